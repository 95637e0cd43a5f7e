"""Endpoint: what every address of the REST API does the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from console.kit import preferences
from console.kit.api import bodies, etags, lists, problems
from console.kit.api.answers import answer
from console.kit.api.hooks import hooks
from console.kit.api.operation import ANYONE, SIGNED_IN, OneOf, Operation
from console.kit.api.schema import Schema
from console.kit.errors import FieldError, Invalid, Malformed, NotFound, Unauthenticated

if TYPE_CHECKING:
    from teams.models import User

_Row = TypeVar("_Row", bound=Model)
METHODS = ("get", "post", "put", "patch", "delete")


class _OneFormat(BaseContentNegotiation):
    """JSON is what there is, whatever the client says it prefers."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return None

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return JSONRenderer(), "application/json"


class Endpoint(APIView):
    """One address. See the package's docstring for how it is written and what it holds."""

    http_method_names = [*METHODS, "head"]
    permission_classes = []
    parser_classes = [JSONParser]  # says so in the document; bodies are read by `bodies.read`
    content_negotiation_class = _OneFormat
    metadata_class = None
    schema = Schema()
    # An address that a person may use before the one-time password was replaced.
    before_password_change: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for method in METHODS:
            handler = getattr(cls, method, None)
            if handler is not None and not isinstance(getattr(handler, "operation", None), Operation):
                raise TypeError(f"{cls.__name__}.{method} declares no operation, and so no right")

    @classmethod
    def operations(cls) -> dict[str, Operation]:
        """Give method (upper case) → declaration, for each method this address has."""
        return {
            method.upper(): getattr(cls, method).operation
            for method in METHODS
            if getattr(cls, method, None) is not None
        }

    # --- Who asks ---------------------------------------------------------------------------------------------------

    @property
    def user(self) -> User:
        """The person who asks. Only for operations that need one to be signed in."""
        return self.request.user  # type: ignore[return-value]

    @property
    def declared(self) -> Operation | None:
        """The declaration of the method being handled; None when the address does not have it."""
        method = "get" if self.request.method == "HEAD" else (self.request.method or "").lower()
        return getattr(getattr(self, method, None), "operation", None)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Ask who it is, speak their language, ask the gate for an enterprise right, refuse unknown parameters."""
        self.perform_authentication(request)
        preferences.apply(request.user)
        declared = self.declared
        # Of a method that is not there, whoever may use one of the others is told so.
        asked = [declared] if declared else list(self.operations().values())
        if not request.user.is_authenticated and all(one.right != ANYONE for one in asked):
            raise Unauthenticated("sign_in_required")
        if declared is None:
            return
        if declared.right in hooks.enterprise_rights:
            hooks.gate(request.user, declared.right)
        elif declared.right not in {ANYONE, SIGNED_IN} | hooks.team_rights:
            raise KeyError(declared.right)
        for name in request.query_params:
            if name not in declared.parameters or len(request.query_params.getlist(name)) > 1:
                raise Malformed("unknown_parameter", parameter=name)
            known = declared.parameters[name]
            if isinstance(known, OneOf) and request.query_params[name] not in known.choices:
                wrong = FieldError(f"?{name}", "choice_unknown", {"choices": list(known.choices)})
                raise Invalid("invalid", errors=[wrong])

    def require(self, team: Any = None) -> None:
        """Ask the gate for the declared right, on `team` when it is a team right. Raises Denied or NotFound."""
        declared = self.declared
        assert declared is not None
        hooks.gate(self.user, declared.right, team)

    def found(self, rows: QuerySet[_Row], /, **look_up: Any) -> _Row:
        """Give the one row of a permitted set, or raise NotFound: absent and foreign are the same."""
        row = rows.filter(**look_up).first()
        if row is None:
            raise NotFound()
        return row

    # --- What was asked ---------------------------------------------------------------------------------------------

    def body(self) -> dict[str, Any]:
        """Read the body with the declared serializer; gives only what was sent (and declared defaults).

        Raises UnsupportedMedia, TooLarge, Malformed (unknown field, not JSON, too deep) and Invalid with `errors`.
        """
        declared = self.declared
        assert declared is not None and declared.body is not None
        raw = bodies.read(self.request._request)
        data: dict[str, Any] = bodies.validate(
            declared.body, raw, partial=declared.partial, context={"user": self.request.user}
        )
        return data

    def query(self, *names: str) -> dict[str, str | None]:
        """Give the declared query parameters by name; an absent or empty one is None."""
        declared = self.declared
        assert declared is not None and set(names) <= set(declared.parameters), names
        return {name: self.request.query_params.get(name) or None for name in names}

    def expected_version(self) -> int | None:
        """Give the row version that If-Match names, or None when the header is absent or `*`.

        Hand it to the action, which compares it on the locked row (`check_version`). Raises Stale for what is no
        ETag of ours.
        """
        return etags.expected(self.request.headers.get("If-Match"))

    # --- What is answered -------------------------------------------------------------------------------------------

    def answer(self, data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
        """Answer JSON."""
        return answer(data, status=status, headers=headers)

    def resource(self, data: Any, *, version: int, status: int = 200) -> HttpResponse:
        """Answer one resource with its ETag; 304 when the client has it already."""
        return etags.conditional(self.request, answer(data, status=status), version)

    def created(self, data: Any, *, location: str, version: int | None = None) -> HttpResponse:
        """Answer 201 with the address of what was made."""
        response = answer(data, status=201, headers={"Location": location})
        return response if version is None else etags.conditional(self.request, response, version)

    def nothing(self) -> HttpResponse:
        """Answer 204."""
        return HttpResponse(status=204, headers={"Cache-Control": "private, no-cache"})

    def paginated(
        self,
        rows: QuerySet[_Row],
        *,
        order: tuple[str, ...],
        present: Callable[[_Row], Any] | None = None,
        present_all: Callable[[list[_Row]], Iterable[Any]] | None = None,
    ) -> HttpResponse:
        """Answer one page of `rows`, ordered by `order` (its last field unique, none of them null; `-` descends).

        `present` makes one item; `present_all` makes all items of the page at once, for what needs a query per page.
        """
        return lists.page(self.request, rows, order, present, present_all=present_all)

    # --- What went wrong --------------------------------------------------------------------------------------------

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]  # not DRF's Response
        """Make a problem of whatever was raised."""
        return problems.handle(exc, self.request)

    def finalize_response(  # type: ignore[override]  # not DRF's Response
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Let the answer out as it is."""
        self.headers = {}
        return response
