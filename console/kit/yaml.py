"""A YAML loader for text from outside: bounded before anything is built, and plain data only.

The limits hold while the text is read: size first, then depth and the number of nodes as the parser meets them. There
are no tags, no anchors and aliases, no merge keys and no duplicate keys, so no text can grow into more than was sent.
Scalars are read as the safe loader reads them, except that dates stay text.
"""

from __future__ import annotations

from typing import Any

import yaml
from yaml import events, nodes
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from console.kit.errors import Invalid

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20
MAX_NODES = 20_000
MAX_NUMBER = 100
"""Characters of a number. One of a megabyte written to the base of 60 (`1:0:0:…`) takes minutes to be reckoned."""

_PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map")}
_NUMBERS = {f"tag:yaml.org,2002:{name}" for name in ("int", "float")}


class _Scalars(Resolver):
    """The resolver without dates, merge keys and the `=` value."""


_Scalars.yaml_implicit_resolvers = {
    sign: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in {f"tag:yaml.org,2002:{name}" for name in ("timestamp", "merge", "value")}
    ]
    for sign, resolvers in Resolver.yaml_implicit_resolvers.items()
}


def load(text: str | bytes, *, max_bytes: int = MAX_BYTES) -> Any:
    """Read one YAML document as plain data: dict with text keys, list, str, int, float, bool, None.

    Raises Invalid `yaml_refused` naming the limit: `size`, `depth`, `nodes`, `alias`, `tag`, `merge_key`,
    `duplicate_key`, `key_type`, `documents` or `syntax`. Nothing of the text is in the error.
    """
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > max_bytes:
        raise _refused("size")
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused("syntax") from error
    try:
        _check_events(decoded)
        return _build(decoded)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise _refused("syntax") from error


def _refused(limit: str) -> Invalid:
    return Invalid("yaml_refused", limit=limit)


def _check_events(text: str) -> None:
    """Go through the parser's events, which cost no more than the text is long, and hold them to the limits."""
    depth = count = documents = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, events.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _refused("documents")
        if isinstance(event, events.AliasEvent):
            raise _refused("alias")
        if isinstance(event, events.NodeEvent):
            count += 1
            _check_node(event)
        if isinstance(event, events.CollectionStartEvent):
            depth += 1
        elif isinstance(event, events.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _refused("depth")
        if count > MAX_NODES:
            raise _refused("nodes")


def _check_node(event: events.NodeEvent) -> None:
    if event.anchor is not None:
        raise _refused("alias")
    tag = getattr(event, "tag", None)
    if tag is not None and tag != "!":
        raise _refused("tag")


def _build(text: str) -> Any:
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    return None if root is None else _value(root)


_resolver = _Scalars()


def _value(node: nodes.Node) -> Any:
    if isinstance(node, nodes.SequenceNode):
        return [_value(item) for item in node.value]
    if isinstance(node, nodes.MappingNode):
        return _mapping(node)
    assert isinstance(node, nodes.ScalarNode)
    # Quoted scalars are text; plain ones are what the resolver without dates takes them for.
    plain = not node.style
    tag = _tag(node.value) if plain else "tag:yaml.org,2002:str"
    if tag not in _PLAIN_TAGS:
        raise _refused("tag")
    if tag in _NUMBERS and len(node.value) > MAX_NUMBER:
        raise _refused("syntax")
    return SafeConstructor().construct_object(nodes.ScalarNode(tag, node.value))


def _tag(text: str) -> str:
    return str(_resolver.resolve(nodes.ScalarNode, text, (True, False)))  # type: ignore[no-untyped-call]


def _mapping(node: nodes.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, nodes.ScalarNode):
            raise _refused("key_type")
        if not key_node.style and key_node.value == "<<":
            raise _refused("merge_key")
        key = key_node.value
        if key in found:
            raise _refused("duplicate_key")
        found[key] = _value(value_node)
    return found
