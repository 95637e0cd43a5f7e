"""Forms of teams, their members and their environments."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from clusters import quantities
from clusters.forms.rows import GrowingForm
from clusters.models import Cluster, Environment
from console.kit.errors import FieldError, WaybillError
from console.kit.forms import KitForm
from teams.actions.teams import Member
from teams.roles import ROLE_LABELS

MEMBER_ROWS, MEMBERS_MOST = 3, 30
STAGES = list(Environment.Stage.choices)
RULES = [("", _("What is usual for the stage")), *Environment.Accepts.choices]
QUOTA = ("cpu", "memory", "storage", "pods")


class RolesField(forms.MultipleChoiceField):
    """The roles of a member, as boxes to tick."""

    def __init__(self, **more: Any) -> None:
        super().__init__(
            label=_("Roles"), choices=list(ROLE_LABELS.items()), widget=forms.CheckboxSelectMultiple, **more
        )


class MemberForm(KitForm):
    """A person and their roles in a team."""

    login = forms.CharField(
        label=_("Login"),
        max_length=30,
        widget=forms.TextInput(attrs={"list": "people", "autocomplete": "off", "autocapitalize": "none"}),
    )
    roles = RolesField()


class RolesForm(KitForm):
    """The roles of one who is a member already."""

    roles = RolesField()


class QuotaForm(GrowingForm):
    """The limits of an environment. Empty ones are no limits."""

    quota_cpu = forms.CharField(label=_("CPU limit"), required=False, max_length=20, help_text=_("Cores, such as 8."))
    quota_memory = forms.CharField(label=_("Memory limit"), required=False, max_length=20, help_text=_("Such as 16Gi."))
    quota_storage = forms.CharField(
        label=_("Storage limit"), required=False, max_length=20, help_text=_("Such as 100Gi.")
    )
    quota_pods = forms.IntegerField(label=_("Pods at most"), required=False, min_value=1, max_value=100_000)

    def quota(self) -> dict[str, Any] | None:
        """Give the quota as the actions take it."""
        given = {name: self.cleaned_data.get(f"quota_{name}") for name in QUOTA}
        return {name: value for name, value in given.items() if value not in (None, "")} or None

    @property
    def quota_fields(self) -> list[forms.BoundField]:
        """The four fields."""
        return [self[f"quota_{name}"] for name in QUOTA]


class EnvironmentForm(QuotaForm):
    """A new environment of a team. What is left empty follows the team."""

    cluster = forms.ChoiceField(label=_("Cluster"), widget=forms.RadioSelect)
    stage = forms.ChoiceField(label=_("Stage"), choices=STAGES, initial="test", widget=forms.RadioSelect)
    accepts = forms.ChoiceField(
        label=_("Accepts"),
        choices=RULES,
        required=False,
        help_text=_("Production usually accepts Release versions only, and nothing made by hand."),
    )
    name = forms.CharField(label=_("Name"), required=False, max_length=64)
    slug = forms.CharField(
        label=_("Short name"),
        required=False,
        max_length=30,
        help_text=_("Part of addresses. It never changes; left empty, it follows the team."),
    )
    namespace = forms.CharField(
        label=_("Namespace"),
        required=False,
        max_length=63,
        help_text=_("Created on the cluster. Left empty, it gets the environment's short name."),
    )

    cluster_needed = True

    def __init__(self, *args: Any, clusters: Iterable[Cluster], **kwargs: Any) -> None:
        self.clusters = list(clusters)
        super().__init__(*args, **kwargs)
        field = self.fields["cluster"]
        assert isinstance(field, forms.ChoiceField)
        choices = [(cluster.slug, cluster.name) for cluster in self.clusters]
        field.choices = choices if self.cluster_needed else [*choices, ("", _("No environment for now"))]
        field.required = self.cluster_needed
        usable = [cluster.slug for cluster in self.clusters if not cluster.is_away]
        field.initial = usable[0] if len(usable) == 1 else None

    @property
    def cards(self) -> list[dict[str, Any]]:
        """The clusters as cards to choose from; one that does not answer cannot be chosen."""
        chosen = self["cluster"].value()
        return [
            {
                "cluster": cluster,
                "id": f"id_cluster_{index}",
                "checked": chosen == cluster.slug,
                "free": free(cluster),
            }
            for index, cluster in enumerate(self.clusters)
        ]

    def environment(self) -> dict[str, Any]:
        """Give the environment as the action takes it."""
        data = self.cleaned_data
        return {
            "cluster": data["cluster"],
            "stage": data["stage"],
            "accepts": data["accepts"] or None,
            "slug": data["slug"] or None,
            "name": data["name"] or None,
            "namespace": data["namespace"] or None,
            "quota": self.quota(),
        }


class TeamForm(EnvironmentForm):
    """A new team with its first environment and first members."""

    cluster_needed = False
    field_order = ("name", "slug", "cluster", "stage", "accepts", "namespace")

    name = forms.CharField(
        label=_("Team name"), max_length=64, widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"})
    )
    slug = forms.CharField(
        label=_("Short name"),
        required=False,
        max_length=30,
        help_text=_(
            "Part of addresses, and the namespace's name. It never changes; left empty, it is made from the name."
        ),
    )

    def __init__(self, *args: Any, rows: int = MEMBER_ROWS, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = min(max(rows, MEMBER_ROWS), MEMBERS_MOST)
        for index in range(self.rows):
            self.fields[f"members_{index}_login"] = forms.CharField(
                label=pgettext_lazy("member row", "Login"),
                required=False,
                max_length=30,
                widget=forms.TextInput(attrs={"list": "people", "autocomplete": "off", "autocapitalize": "none"}),
            )
            self.fields[f"members_{index}_roles"] = RolesField(required=False)
        self.dress()

    @property
    def member_rows(self) -> list[dict[str, Any]]:
        """The rows for first members."""
        return [
            {"number": index + 1, "login": self[f"members_{index}_login"], "roles": self[f"members_{index}_roles"]}
            for index in range(self.rows)
        ]

    def clean(self) -> dict[str, Any]:
        """Ask for a role of everybody who is named."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for index in range(self.rows):
            if data.get(f"members_{index}_login") and not data.get(f"members_{index}_roles"):
                self.add_error(f"members_{index}_roles", _("Tick at least one role."))
        return data

    def members(self) -> list[Member]:
        """Give the members of the rows that name somebody."""
        named = [index for index in range(self.rows) if self.cleaned_data.get(f"members_{index}_login")]
        return [
            {
                "login": self.cleaned_data[f"members_{index}_login"],
                "roles": self.cleaned_data[f"members_{index}_roles"],
            }
            for index in named
        ]

    def refuse(self, error: WaybillError) -> None:
        """Find the row of a member again: empty rows were left out of what was asked."""
        named = [index for index in range(self.rows) if self.cleaned_data.get(f"members_{index}_login")]
        for at, wrong in enumerate(error.errors):
            _, _, rest = wrong.pointer.partition("/members/")
            number, _, name = rest.partition("/")
            if number.isdecimal():
                pointer = f"/members/{named[int(number)]}/{name}"
                error.errors = (
                    *error.errors[:at],
                    FieldError(pointer, wrong.code, wrong.params),
                    *error.errors[at + 1 :],
                )
        super().refuse(error)


class EnvironmentChangeForm(QuotaForm):
    """What may change of an environment."""

    name = forms.CharField(label=_("Name"), max_length=64)
    accepts = forms.ChoiceField(label=_("Accepts"), choices=Environment.Accepts.choices)


def free(cluster: Cluster) -> dict[str, str] | None:
    """Give the capacity of a cluster that pods have not asked for; None when it was never seen."""
    capacity = cluster.capacity
    if not capacity:
        return None
    left: dict[str, str] = {}
    for name in ("cpu", "memory"):
        amounts = capacity.get(name) or {}
        try:
            amount = quantities.parse(str(amounts["allocatable"])) - quantities.parse(str(amounts["requested"]))
        except (KeyError, quantities.NotAQuantity):
            return None
        left[name] = human(name, max(amount, Fraction(0)))
    return left


def human(name: str, amount: Fraction) -> str:
    """Write an amount as people read it: cores with one decimal, memory in GiB."""
    whole = float(amount) / (1 if name == "cpu" else 1 << 30)
    return f"{whole:.1f}".removesuffix(".0")
