"""The base of every REST endpoint: one declaration per operation, one way to read, to answer and to refuse.

How an endpoint is written::

    from console.kit.api import SIGNED_IN, Body, Endpoint, operation
    from rest_framework import serializers

    class TeamBody(Body):                                   # a DRF serializer; unknown fields are refused with 400
        name = serializers.CharField(max_length=64)
        slug = serializers.CharField(required=False)

    class TeamList(Endpoint):
        @operation(SIGNED_IN, _("List teams"), listed=True, query={"q": _("Part of a name")}, answers={200: EXAMPLE})
        def get(self, request):
            rows = Team.objects.permitted(self.user)
            if text := self.query("q")["q"]:
                rows = rows.filter(name__icontains=text)
            return self.paginated(rows, order=("slug",), present=team_json)

        @operation("manage_teams", _("Create a team"), body=TeamBody, example={"name": "Shop"}, answers={201: EXAMPLE},
                   refuses=("slug_taken",))
        def post(self, request):
            body = self.body()                              # {"name": "Shop"}: validated, only what was given
            team = create_team(acting_user=self.user, **body)
            return self.created(team_json(team), location=f"/api/v1/teams/{team.slug}", version=team.row_version)

    class TeamPage(Endpoint):
        @operation("view_team", _("Show a team"), answers={200: EXAMPLE})
        def get(self, request, team):
            row = self.found(Team.objects.permitted(self.user), slug=team)   # NotFound when absent or foreign
            return self.resource(team_json(row), version=row.row_version)    # ETag, If-None-Match → 304

        @operation("manage_teams", _("Change a team"), body=TeamBody, partial=True, example={"name": "Shop"}, answers=…)
        def patch(self, request, team):
            row = self.found(Team.objects.permitted(self.user), slug=team)
            self.require(row)                               # the declared right, on this team (role_required)
            rename_team(team=row, expected_version=self.expected_version(), acting_user=self.user, **self.body())
            …

What holds for every endpoint:

* **Who asks**: `Authorization: Bearer` or the session (its writes need the CSRF token). Else 401.
* **Rights**: the first argument of `operation`. An enterprise right is asked before the handler runs. A team right is
  asked by the handler (`self.require(team)`) or its action, since only they know the team. `SIGNED_IN` = everyone in
  the enterprise, `ANYONE` = also without signing in. A handler without a declaration does not import.
* **Query parameters**: those of `query=` (and of lists when `listed=True`: limit, cursor, count, fields); others are
  400 `unknown_parameter`. `self.query("q", "mark")` gives a dict of str or None. `OneOf(about, choices)` in place of
  what it does bounds a parameter to a few words.
* **Bodies**: JSON only (415), bounded in size and depth (413, 400), no unknown field (400), types as JSON has them
  (the string "5" is no number); every fault of a field is an entry of `errors` with its pointer (422 `invalid`).
* **Errors**: raise those of `console.kit.errors`; they leave as problem+json (RFC 9457) in the reader's language.
* **Examples**: `example` is a body that the serializer accepts and `answers` maps each status to an example of what is
  answered (None = no content). Both are shown in the OpenAPI document and held true by tests: an answer has exactly the
  keys of its example.
"""

from __future__ import annotations

from console.kit.api.bodies import Body, SecretField
from console.kit.api.endpoint import Endpoint
from console.kit.api.etags import check_version
from console.kit.api.lists import page
from console.kit.api.operation import ANYONE, SIGNED_IN, TRUE_OR_FALSE, OneOf, Operation, operation
from console.kit.api.problems import problem
from console.kit.api.shape import Either, MapOf

__all__ = [
    "ANYONE",
    "SIGNED_IN",
    "TRUE_OR_FALSE",
    "Body",
    "Either",
    "Endpoint",
    "MapOf",
    "OneOf",
    "Operation",
    "SecretField",
    "check_version",
    "operation",
    "page",
    "problem",
]
