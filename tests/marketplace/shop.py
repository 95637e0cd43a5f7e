"""An application of two components that was deployed, and how its publication is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clusters.models import Application
from deploy.local.images import Random, push_random
from operations.models import Operation
from tests.cast import Api, Cast
from tests.clusters.working import ended
from tests.marketplace import world
from tests.marketplace.servers import PlainPusher
from tests.marketplace.world import key, part

MIB = 1024 * 1024


@dataclass
class Shop:
    """An application of two components that was deployed, and the people around it."""

    cast: Cast
    app: Application
    base: str
    images: dict[str, Random]
    store: str
    name: str

    @property
    def api(self) -> Api:
        return self.cast.api("developer")

    def publish(self, number: str = "1.0", *, who: str = "developer", **body: Any) -> Any:
        wish = {"template": {"slug": "shop", "name": "Shop"}, "number": number, **body}
        return self.cast.api(who).post(f"{self.base}/publications", wish, headers=key())

    def done(self, number: str = "1.0", **body: Any) -> Operation:
        """Publish and wait for the end of the operation."""
        answer = self.publish(number, **body)
        assert answer.status_code == 202, answer.content
        return ended(answer.json()["id"])

    def publication(self, number: int = 1) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"{self.base}/publications/{number}").json()
        return found


def make_shop(people: Cast, store: str, pusher: PlainPusher, name: str) -> Shop:
    place = world.make_place(people.team, "test-internal")
    images = {
        "web": push_random(pusher, f"{name}/web", "1", [MIB, 300_000], seed=f"{name} a"),
        "db": push_random(pusher, f"{name}/db", "1", [MIB, 200_000], seed=f"{name} b"),
    }
    app = world.deployed(place, components(store, name, images))
    return Shop(people, app, f"environments/{place.slug}/apps/{app.slug}", images, store, name)


def components(store: str, name: str, images: dict[str, Random]) -> list[Any]:
    variables = [{"name": "LOG_LEVEL", "value": "info"}, {"name": "SMTP_PASSWORD", "secret": True}]
    return [
        part("web", f"{store}/{name}/web:1", images["web"].digest, size=1, variables=variables, depends_on=["db"]),
        part("db", f"{store}/{name}/db:1", images["db"].digest, size=bytes_of(images["db"])),
    ]


def bytes_of(image: Random) -> int:
    return sum(size for _, size in (*image.layers, image.config))
