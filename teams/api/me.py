"""Oneself: who am I, my password, my tokens."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from console.kit.api import SIGNED_IN, Endpoint, operation
from teams import present
from teams.actions.sessions import check_own_password
from teams.actions.tokens import create_token, revoke_token
from teams.actions.users import change_own_password
from teams.api.bodies import PasswordBody, TokenBody
from teams.models import Token

ME = {
    "login": "hanmei",
    "name": "Han Mei",
    "email": "hanmei@example.com",
    "enterprise": {"slug": "main", "name": "Main"},
    "enterprise_roles": ["market_admin"],
    "rights": ["manage_market"],
    "teams": [{"slug": "test-internal", "name": "Test", "roles": ["tester"], "rights": ["mark_version", "view_team"]}],
    "language": "en",
    "time_zone": "UTC",
    "theme": "auto",
    "must_change_password": False,
    "token": "wb3f9a1c",
}
TOKEN = {
    "prefix": "wb3f9a1c",
    "name": "ci",
    "created_at": "2026-03-02T14:02:11Z",
    "expires_at": "2027-01-01T00:00:00Z",
    "last_used_at": "2026-03-02T14:05:00Z",
    "last_used_ip": "203.0.113.7",
}


class Me(Endpoint):
    """The person who asks."""

    before_password_change = True

    @operation(SIGNED_IN, _("Show who is signed in"), answers={200: ME})
    def get(self, request: Request) -> HttpResponse:
        """Give the person, their rights, their teams."""
        token = request.auth if isinstance(request.auth, Token) else None
        return self.resource(present.me_json(self.user, token), version=self.user.row_version)


class Password(Endpoint):
    """The person's own password."""

    before_password_change = True

    @operation(
        SIGNED_IN,
        _("Change one's own password"),
        body=PasswordBody,
        example={"current": "the one in use", "new": "a long sentence is a good one"},
        answers={204: None},
        refuses=("invalid", "too_many_requests"),
        about=_("Ends all sessions of the person."),
    )
    def put(self, request: Request) -> HttpResponse:
        """Check the present one, take the new one."""
        body = self.body()
        check_own_password(password=body["current"], acting_user=self.user)
        change_own_password(new=body["new"], acting_user=self.user)
        return self.nothing()


class TokenList(Endpoint):
    """One's own access tokens."""

    @operation(SIGNED_IN, _("List one's own access tokens"), listed=True, answers={200: TOKEN})
    def get(self, request: Request) -> HttpResponse:
        """Give those that were not revoked, newest first."""
        rows = Token.objects.permitted(self.user)
        return self.paginated(rows, order=("-id",), present=present.token_json)

    @operation(
        SIGNED_IN,
        _("Create an access token"),
        body=TokenBody,
        example={"name": "ci", "expires_at": "2027-01-01T00:00:00Z"},
        answers={201: {**TOKEN, "token": "wb3f9a1c… (shown once)"}},
        refuses=("name_taken",),
        about=_("The token itself is in this answer and never shown again. It ends within a year."),
    )
    def post(self, request: Request) -> HttpResponse:
        """Make one; the answer is the only place that ever shows it."""
        token, text = create_token(acting_user=self.user, **self.body())
        data = {**present.token_json(token), "token": text}
        response = self.created(data, location=f"{present.API}/tokens/{token.prefix}")
        response.headers["Cache-Control"] = "no-store"
        return response


class TokenPage(Endpoint):
    """One of one's own access tokens."""

    @operation(SIGNED_IN, _("Revoke an access token"), answers={204: None}, refuses=("etag_mismatch",))
    def delete(self, request: Request, prefix: str) -> HttpResponse:
        """End it at once."""
        row = self.found(Token.objects.permitted(self.user), prefix=prefix)
        revoke_token(prefix=row.prefix, acting_user=self.user, expected_version=self.expected_version())
        return self.nothing()
