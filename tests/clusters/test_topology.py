"""The drawing of an application: where boxes stand, and that wires lead from users to what they use."""

from __future__ import annotations

from clusters.topology import GAP_X, HEIGHT, NARROWEST, WIDTH, draw


def test_users_stand_left_of_what_they_use() -> None:
    drawing = draw({"db": [], "api": ["db", "cache"], "cache": [], "web": ["api"]})
    at = {node.key: (node.x, node.y) for node in drawing.nodes}
    column = WIDTH + GAP_X
    assert {key: (x - 1) // column for key, (x, _) in at.items()} == {"web": 0, "api": 1, "db": 2, "cache": 2}
    assert at["db"][1] + HEIGHT < at["cache"][1]
    assert len(drawing.wires) == 3
    assert drawing.width == max(NARROWEST, 3 * WIDTH + 2 * GAP_X + 2)


def test_a_straight_wire_joins_two_boxes_in_one_row() -> None:
    drawing = draw({"web": ["api"], "api": []})
    (wire,) = drawing.wires
    web, api = drawing.nodes
    assert wire.path == f"M{web.x + WIDTH} {web.y + 28}H{api.x - 6}"


def test_unknown_dependencies_and_nothing_at_all_are_drawn_without_them() -> None:
    assert draw({"web": ["gone"]}).wires == []
    assert draw({}).nodes == []


def test_a_shortcut_does_not_pull_a_component_left() -> None:
    drawing = draw({"web": ["api", "db"], "api": ["db"], "db": []})
    assert [node.key for node in sorted(drawing.nodes, key=lambda node: node.x)] == ["web", "api", "db"]


def test_a_circle_ends() -> None:
    assert len(draw({"a": ["b"], "b": ["a"]}).nodes) == 2
