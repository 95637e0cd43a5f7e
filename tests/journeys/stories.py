"""The two ways in which the road is walked: in whose words, at which width, in which light."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.utils import translation
from django.utils.translation import gettext, ngettext, pgettext


@dataclass(frozen=True)
class Person:
    """Somebody who walks a part of it."""

    login: str
    name: str
    role: str = ""
    """The role in the catalogue's own words, as the English text of the page."""


@dataclass(frozen=True)
class Place:
    """A team with its one environment: the team's name, its address, its cluster's name, and who is in it."""

    name: str
    slug: str
    cluster: str
    stage: str
    members: tuple[Person, ...]


@dataclass(frozen=True)
class Story:
    """One language, one theme, one width, and the names things are given."""

    language: str
    locale: str
    theme: Literal["light", "dark"]
    size: tuple[int, int]
    admin: Person
    test: Place
    production: tuple[Place, Place]
    app: str
    components: Mapping[str, str]
    row: str

    def __call__(self, text: str, context: str | None = None, **params: Any) -> str:
        """Give a text of the pages in the story's language; `params` fill its places."""
        with translation.override(self.language):
            said = pgettext(context, text) if context else gettext(text)
        return said % params if params else said

    def count(self, one: str, many: str, number: int, **params: Any) -> str:
        """Give a text that has a singular and a plural."""
        with translation.override(self.language):
            return ngettext(one, many, number) % {"n": number, **params}

    @property
    def places(self) -> tuple[Place, ...]:
        """All three, the one for tests first."""
        return (self.test, *self.production)

    @property
    def is_narrow(self) -> bool:
        """Whether the navigation is behind a button."""
        return self.size[0] < 768

    def who(self, role: str) -> Person:
        """Give the person with a role."""
        return next(one for place in self.places for one in place.members if one.role == role)


Said = Callable[..., str]


def _story(names: Mapping[str, str], slugs: tuple[str, str, str], **more: Any) -> Story:
    developer = Person("lilei", names["lilei"], "Developer")
    tester = Person("hanmei", names["hanmei"], "Tester")
    delivery = Person("zhaomin", names["zhaomin"], "Delivery")
    return Story(
        admin=Person("wangfang", names["wangfang"]),
        test=Place(names["test"], slugs[0], names["intranet"], "Test", (developer, tester)),
        production=(
            Place(names["first"], slugs[1], names["qingdao"], "Production", (delivery,)),
            Place(names["second"], slugs[2], names["shanghai"], "Production", (delivery,)),
        ),
        **more,
    )


ENGLISH = _story(
    {
        "wangfang": "Wang Fang",
        "lilei": "Li Lei",
        "hanmei": "Han Mei",
        "zhaomin": "Zhao Min",
        "test": "Test intranet",
        "first": "Production Qingdao",
        "second": "Production Shanghai",
        "intranet": "Intranet",
        "qingdao": "Aliyun Qingdao",
        "shanghai": "Aliyun Shanghai",
    },
    ("test-intranet", "production-qingdao", "production-shanghai"),
    language="en",
    locale="en-GB",
    theme="light",
    size=(1280, 800),
    app="Back office",
    components={"db": "Database", "api": "API", "web": "Pages", "worker": "Worker", "cache": "Cache"},
    row="written before the upgrade",
)
CHINESE = _story(
    {
        "wangfang": "王芳",
        "lilei": "李雷",
        "hanmei": "韩梅",
        "zhaomin": "赵敏",
        "test": "测试-内网",
        "first": "生产-青岛",
        "second": "生产-上海",
        "intranet": "内网集群",
        "qingdao": "阿里云-青岛",
        "shanghai": "阿里云-上海",
    },
    ("test-internal", "prod-qingdao", "prod-shanghai"),
    language="zh-hans",
    locale="zh-CN",
    theme="dark",
    size=(390, 844),
    app="后台管理系统",
    components={"db": "数据库", "api": "接口", "web": "页面", "worker": "后台任务", "cache": "缓存"},
    row="升级之前写下的一行",
)
