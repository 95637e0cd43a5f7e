"""What an answer cost: queries, and milliseconds in all and in the database, in one header."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

HEADER = "X-Bench"


class Counted:
    """The outermost middleware: counts the statements of a request and takes its time."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        spent: list[float] = []

        def watch(execute: Callable[..., Any], *call: Any) -> Any:
            began = time.perf_counter()
            try:
                return execute(*call)
            finally:
                spent.append(time.perf_counter() - began)

        began, worked = time.perf_counter(), time.thread_time()
        with connection.execute_wrapper(watch):
            response = self.get_response(request)
        whole, worked = time.perf_counter() - began, time.thread_time() - worked
        figures = (whole * 1000, worked * 1000, sum(spent) * 1000)
        response.headers[HEADER] = " ".join([str(len(spent)), *(f"{figure:.3f}" for figure in figures)])
        return response
