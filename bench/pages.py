"""Pages and the API at scale: every page and every GET, as three people see them, at scale 1 and 10 side by side."""

from __future__ import annotations

import http.client
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg

from bench.figures import Bar, Sample, table, write
from bench.house import House
from bench.pages_count import HEADER
from bench.pages_house import ask, houses
from bench.pages_routes import LISTS, addresses
from bench.seed import PEOPLE

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "12"))
SMALL, LARGE = 1, 10
MOST, GROWTH = 50, 1.1
"""What was promised: milliseconds on the server, p95; and how much slower a list is with ten times the rows."""
SHOWN = 2000


@dataclass
class Costs:
    """What the answers of one address cost in one console."""

    answered: Sample = field(default_factory=Sample)
    database: Sample = field(default_factory=Sample)
    worked: Sample = field(default_factory=Sample)
    queries: set[int] = field(default_factory=set)
    bytes: int = 0


@dataclass
class Look:
    """One address as one person asks for it: scale → what it cost there."""

    route: str
    who: str
    paths: dict[int, str]
    costs: dict[int, Costs]

    @property
    def name(self) -> str:
        """The address."""
        return self.paths[max(self.paths)]

    @property
    def is_list(self) -> bool:
        """Whether it grows with the enterprise."""
        return self.route in LISTS

    @property
    def growth(self) -> float:
        """How much slower the larger console is, median by median."""
        return self.costs[max(self.costs)].answered.median / self.costs[min(self.costs)].answered.median

    @property
    def same_queries(self) -> bool:
        """Whether both consoles asked the database equally often."""
        return len({max(cost.queries) for cost in self.costs.values()}) == 1


class Visitor:
    """One person at one console, over one connection that stays open."""

    def __init__(self, house: House, who: str) -> None:
        self.house = house
        self.link = http.client.HTTPConnection("127.0.0.1", house.port, timeout=120)
        person = ask(house, 'SELECT id FROM "user" WHERE login = %s', who)
        self.pages = {"Cookie": f"waybill_session={_session(house, person)}"}
        self.api = {"Authorization": f"Bearer {_token(house, person)}"}

    def get(self, path: str, cost: Costs | None = None) -> int:
        """Ask for one address and note what it cost; gives the status."""
        began = time.perf_counter()
        status, body, counted = self._get(path)
        if cost is not None and status == 200:
            queries, whole, worked, database = (float(part) for part in counted.split())
            cost.answered.values.append(whole)
            cost.worked.values.append(worked)
            cost.database.values.append(database)
            cost.queries.add(int(queries))
            cost.bytes = len(body)
        if time.perf_counter() - began > SHOWN / 1000:
            print(f"slow: {path}: {1000 * (time.perf_counter() - began):.0f} ms", flush=True)
        return status

    def _get(self, path: str) -> tuple[int, bytes, str]:
        try:
            self.link.request("GET", path, headers=self.api if path.startswith("/api/") else self.pages)
            answer = self.link.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            self.link.close()  # idle for longer than the server waits
            return self._get(path)
        return answer.status, answer.read(), answer.headers.get(HEADER, "0 0 0 0")


def _session(house: House, person: uuid.UUID) -> str:
    """Sign in as the sign-in page does, without its password."""
    from django.contrib.sessions.backends.db import SessionStore
    from django.utils import timezone

    from teams.models import User

    user, now = User(pk=person, password="!unusable"), int(time.time())
    words = {
        "_auth_user_id": str(person),
        "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
        "_auth_user_hash": user.get_session_auth_hash(),
        "signed_in_at": now,
        "seen_at": now,
    }
    key, store = os.urandom(16).hex(), SessionStore()
    row = (key, store.encode(words), timezone.now() + timedelta(days=1))
    _write(house, "INSERT INTO django_session (session_key, session_data, expire_date) VALUES (%s, %s, %s)", *row)
    return key


def _token(house: House, person: uuid.UUID) -> str:
    """Make an access token."""
    from console.kit.models import uuid7
    from teams.secret import new_token

    made = new_token()
    _write(
        house,
        "INSERT INTO token (id, created_at, updated_at, row_version, user_id, name, prefix, hash, expires_at) VALUES "
        "(%s, now(), now(), 1, %s, %s, %s, %s, now() + interval '1 day')",
        *(uuid7(), person, made.prefix, made.prefix, made.hash),
    )
    return made.text


def _write(house: House, statement: str, *values: Any) -> None:
    with psycopg.connect(house.environment["DATABASE_URL"]) as link:
        link.execute(statement.encode(), values)


def main() -> None:
    """Measure both and write them down; with the environment variable SCALE=1 the small one alone, for the terminal."""
    scales = [SMALL] if os.environ.get("SCALE") == str(SMALL) else [SMALL, LARGE]
    with houses(scales) as ours:
        looks = measure(ours)
    print(shown(looks, scales))
    if len(scales) > 1:
        write("pages", "Pages and the API at scale", told(looks, scales), bars(looks))


def measure(ours: dict[int, House]) -> list[Look]:
    """Ask for everything, in turn at every scale, after one round that is not counted."""
    looks, visitors = list(_looks(ours)), {}
    for scale, house in ours.items():
        for who in PEOPLE:
            visitors[scale, who] = Visitor(house, who)
    seen = [look for look in looks if _is_there(look, visitors)]
    for number in range(ROUNDS):
        for look in seen:
            for scale, path in look.paths.items():
                visitors[scale, look.who].get(path, look.costs[scale])
        print(f"round {number + 1} of {ROUNDS}", flush=True)
    return seen


def _looks(ours: dict[int, House]) -> Iterator[Look]:
    known = {scale: addresses(house) for scale, house in ours.items()}
    only = os.environ.get("BENCH_ONLY", "")
    for route in sorted(known[min(known)]):
        for index in range(len(known[min(known)][route])):
            paths = {scale: found[route][index] for scale, found in known.items()}
            for who in PEOPLE:
                if only in f"{route} {paths[min(paths)]}":
                    yield Look(route, who, paths, {scale: Costs() for scale in ours})


def _is_there(look: Look, visitors: dict[tuple[int, str], Visitor]) -> bool:
    """Whether the person may see it. Raises RuntimeError for what an admin is refused, and for what breaks."""
    statuses = {scale: visitors[scale, look.who].get(path) for scale, path in look.paths.items()}
    if max(statuses.values()) >= 500 or (look.who == PEOPLE[0] and max(statuses.values()) >= 400):
        raise RuntimeError(f"{look.paths} as {look.who}: {statuses}")
    return set(statuses.values()) == {200}


def bars(looks: Sequence[Look]) -> list[Bar]:
    """Give what was promised of all of them together."""
    lists = [look for look in looks if look.is_list]
    found = [
        Bar(f"slowest address ×{s}, p95", max(look.costs[s].answered.at(95) for look in looks), MOST, "ms")
        for s in (SMALL, LARGE)
    ]
    return [
        *found,
        Bar("a list with ten times the rows ÷ with these, median of all lists", _median(lists), GROWTH),
        Bar("the same, the worst list", max(look.growth for look in lists), GROWTH),
        Bar("addresses whose queries grow with rows", sum(not look.same_queries for look in looks), 0),
    ]


def _median(lists: Sequence[Look]) -> float:
    return Sample([look.growth for look in lists]).median


def shown(looks: Sequence[Look], scales: Sequence[int]) -> str:
    """Give every address as a table, the slowest first."""
    head = ["address", "as", *(f"×{s}: median, p95, processor, database ms, queries, KiB" for s in scales), "ratio"]
    ordered = sorted(looks, key=lambda look: -look.costs[max(scales)].answered.at(95))
    rows = [[look.name, look.who, *(_cell(look.costs[s]) for s in scales), f"{look.growth:.2f}"] for look in ordered]
    return table(head, rows)


def _cell(cost: Costs) -> str:
    figures = (cost.answered.median, cost.answered.at(95), cost.worked.median, cost.database.median)
    return ", ".join([*(f"{figure:.1f}" for figure in figures), f"{max(cost.queries)}", f"{cost.bytes / 1024:.0f}"])


def told(looks: Sequence[Look], scales: Sequence[int]) -> str:
    """Give the text of the page: each address once, as the person for whom it is slowest."""
    slowest: dict[str, Look] = {}
    for look in sorted(looks, key=lambda look: look.costs[max(scales)].answered.median):
        slowest[look.name] = look
    head = ["address", "as", *(part for s in scales for part in (f"×{s} median", "p95", "queries", "KiB")), "ratio"]
    rows = [
        [f"`{look.name}`", look.who, *(part for s in scales for part in _parts(look.costs[s])), f"{look.growth:.2f}"]
        for look in sorted(slowest.values(), key=lambda look: -look.costs[max(scales)].answered.median)
    ]
    return (
        f"×1: 100 clusters, 1,000 teams, 1,249 environments, 10,000 installations, 100,000 versions, 33,449 operations "
        f"with 200,000 steps, 200,000 events of the trail; ×10: ten times that, in the same PostgreSQL. "
        f"Each of {len(looks)} combinations of an address and a person who may see it (an admin of the enterprise, a "
        f"developer in three teams, delivery staff in 200), {ROUNDS} times over loopback from one client, at both "
        f"scales in turn; gunicorn 2 × 4. Milliseconds inside the server, middleware included. Each address stands "
        f"here as the person for whom it is slowest.\n\n" + table(head, rows)
    )


def _parts(cost: Costs) -> list[str]:
    answered = (cost.answered.median, cost.answered.at(95))
    return [*(f"{figure:.1f}" for figure in answered), f"{max(cost.queries)}", f"{cost.bytes / 1024:.0f}"]
