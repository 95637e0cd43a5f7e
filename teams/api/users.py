"""Users of the enterprise."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from console.kit.api import SIGNED_IN, Either, Endpoint, operation
from teams import present
from teams.actions.users import change_user, create_user, reset_password
from teams.api.bodies import UserBody, UserChangeBody
from teams.models import User

SHORT = {"login": "hanmei", "name": "Han Mei", "is_active": True}
USER = {
    **SHORT,
    "email": "hanmei@example.com",
    "enterprise_roles": ["market_admin"],
    "must_change_password": True,
    "created_at": "2026-03-02T14:02:11Z",
    "last_login": "2026-03-02T14:05:00Z",
}
ONCE = {"one_time_password": "shown once"}


class UserList(Endpoint):
    """The people of the enterprise that one may know of."""

    @operation(
        SIGNED_IN,
        _("List users"),
        listed=True,
        query={"q": _("Part of a login or name.")},
        answers={200: Either([USER, SHORT])},
    )
    def get(self, request: Request) -> HttpResponse:
        """Give them by login."""
        rows = User.objects.permitted(self.user)
        if text := self.query("q")["q"]:
            rows = rows.filter(Q(login__icontains=text) | Q(name__icontains=text))
        return self.paginated(rows, order=("login",), present=lambda user: present.user_json(user, self.user))

    @operation(
        "manage_users",
        _("Create a user"),
        body=UserBody,
        example={"login": "hanmei", "name": "Han Mei", "email": None, "enterprise_roles": []},
        answers={201: {**USER, **ONCE}},
        refuses=("name_taken", "cannot_grant"),
        about=_("The password for one use is in this answer and never shown again."),
    )
    def post(self, request: Request) -> HttpResponse:
        """Make one with a password for one use."""
        user, password = create_user(acting_user=self.user, **self.body())
        data = {**present.user_json(user, self.user), "one_time_password": password}
        response = self.created(data, location=f"{present.API}/users/{user.login}", version=user.row_version)
        response.headers["Cache-Control"] = "no-store"
        return response


class UserPage(Endpoint):
    """One user."""

    @operation(SIGNED_IN, _("Show a user"), answers={200: Either([USER, SHORT])})
    def get(self, request: Request, login: str) -> HttpResponse:
        """Give one that one may know of."""
        user = self.found(User.objects.permitted(self.user), login=login)
        return self.resource(present.user_json(user, self.user), version=user.row_version)

    @operation(
        "manage_users",
        _("Change, disable or enable a user"),
        body=UserChangeBody,
        partial=True,
        example={"is_active": False},
        answers={200: USER},
        refuses=("name_taken", "last_admin", "cannot_grant", "etag_mismatch"),
    )
    def patch(self, request: Request, login: str) -> HttpResponse:
        """Change what the body names."""
        user = self.found(User.objects.permitted(self.user), login=login)
        user = change_user(
            user=user, changes=self.body(), acting_user=self.user, expected_version=self.expected_version()
        )
        return self.resource(present.user_json(user, self.user), version=user.row_version)


class UserOneTimePassword(Endpoint):
    """A user's password, given anew."""

    @operation(
        "manage_users",
        _("Reset a user's password"),
        answers={200: {"login": "hanmei", **ONCE}},
        refuses=("etag_mismatch",),
        about=_("Ends the user's sessions. The password for one use is in this answer and never shown again."),
    )
    def put(self, request: Request, login: str) -> HttpResponse:
        """Give a new one for one use."""
        user = self.found(User.objects.permitted(self.user), login=login)
        password = reset_password(user=user, acting_user=self.user, expected_version=self.expected_version())
        data = {"login": user.login, "one_time_password": password}
        return self.answer(data, headers={"Cache-Control": "no-store"})
