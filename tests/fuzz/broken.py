"""The console with a few views that break their word, for the controls: the same harness has to find each."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from console.wsgi import application  # first: it sets Django up

# isort: split
from clusters.api.clusters import ClusterList
from clusters.api.environments import EnvironmentList
from operations.api import OperationList
from teams.api.me import Me, TokenList

__all__ = ["application"]


def _instead(view: Any, method: str, handler: Any) -> None:
    handler.operation = getattr(view, method).operation
    setattr(view, method, handler)


def _fails(self: Any, request: Any) -> HttpResponse:
    raise RuntimeError("nobody foresaw this")


def _teapot(self: Any, request: Any) -> HttpResponse:
    return self.answer({"items": [], "next": None, "previous": None}, status=418)  # type: ignore[no-any-return]


def _page(self: Any, request: Any) -> HttpResponse:
    return HttpResponse("<p>Clusters</p>")


def _other_shape(self: Any, request: Any) -> HttpResponse:
    return self.answer({"items": "none"})  # type: ignore[no-any-return]


def _anything_goes(self: Any, request: Any) -> HttpResponse:
    return self.answer({}, status=201)  # type: ignore[no-any-return]


def _empty(self: Any, request: Any) -> HttpResponse:
    return self.answer({"items": [], "next": None, "previous": None})  # type: ignore[no-any-return]


_instead(Me, "get", _fails)
_instead(TokenList, "get", _teapot)
_instead(TokenList, "post", _anything_goes)
_instead(ClusterList, "get", _page)
_instead(EnvironmentList, "get", _other_shape)
_instead(OperationList, "get", _empty)
OperationList.initial = lambda self, request, *args, **kwargs: None  # type: ignore[method-assign]
