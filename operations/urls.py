"""The addresses of operations for programs: REST and the event stream."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, register_converter
from django.urls.converters import IntConverter

from operations import api
from operations.stream import view


class OperationName(IntConverter):
    """The public name of an operation, `op-12`, as its number."""

    regex = "op-[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        """Give the number."""
        return int(value.removeprefix("op-"))

    def to_url(self, value: int) -> str:  # type: ignore[override]  # the number, as the row has it
        """Give the name."""
        return f"op-{value}"


register_converter(OperationName, "op")

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/operations", api.OperationList.as_view(), name="api-operations"),
    path("api/v1/operations/<op:number>", api.OperationPage.as_view(), name="api-operation"),
    path("api/v1/operations/<op:number>/log", api.OperationLog.as_view(), name="api-operation-log"),
    path("api/v1/operations/<op:number>/cancel", api.OperationCancel.as_view(), name="api-operation-cancel"),
    path("api/v1/operations/<op:number>/retries", api.OperationRetries.as_view(), name="api-operation-retries"),
    path("events/operations/<op:number>", view.operation_events, name="operation-events"),
]
