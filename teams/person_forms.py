"""Forms of users, as those who manage them fill them in, and of access tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from console.kit.forms import KitForm
from console.kit.text import EMAIL_MAX
from teams.models import User
from teams.roles import ENTERPRISE_ROLE_LABELS

DAYS = (7, 30, 90, 365)
"""How long a token may be made for, in days."""


class UserForm(KitForm):
    """A user's name, address and roles in the enterprise."""

    name = forms.CharField(label=_("Name"), max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        max_length=EMAIL_MAX,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    enterprise_roles = forms.MultipleChoiceField(
        label=_("Roles in the enterprise"),
        required=False,
        choices=list(ENTERPRISE_ROLE_LABELS.items()),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Roles in a team are given on the team's page."),
    )

    def changes(self) -> dict[str, Any]:
        """Give what the action takes; an empty address means none."""
        return {**self.cleaned_data, "email": self.cleaned_data["email"] or None}

    def show_saved(self, row: User) -> None:
        """Say beside each field what somebody else saved there meanwhile; what was typed stays."""
        saved = {
            "name": row.name,
            "email": row.email or "",
            "enterprise_roles": [str(ENTERPRISE_ROLE_LABELS[role]) for role in row.enterprise_roles],
        }
        typed = {**self.cleaned_data, "email": self.cleaned_data.get("email") or ""}
        typed["enterprise_roles"] = [str(ENTERPRISE_ROLE_LABELS[role]) for role in typed["enterprise_roles"]]
        for name, value in saved.items():
            if sorted(value) != sorted(typed[name]):
                words = ", ".join(value) if isinstance(value, list) else value
                self.add_error(name, forms.ValidationError(_("Saved meanwhile: %(value)s"), params={"value": words}))


class NewUserForm(UserForm):
    """A new user: the login is theirs for good."""

    field_order = ("name", "login", "email", "enterprise_roles")

    login = forms.CharField(
        label=_("Login"),
        max_length=30,
        help_text=_("Lower-case letters, digits, dots, dashes and underscores. It never changes."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )


class TokenForm(KitForm):
    """A new access token."""

    field_of = {"name_taken": "name"}

    name = forms.CharField(
        label=_("Name"),
        max_length=64,
        help_text=_("What it is for, such as ci."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    days = forms.TypedChoiceField(label=_("Ends in"), coerce=int, choices=(), initial=90)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["days"]
        assert isinstance(field, forms.ChoiceField)
        most = settings.WAYBILL_TOKEN_MAX_DAYS
        allowed = [days for days in DAYS if days <= most] or [most]
        field.choices = [(days, ngettext("%(n)d day", "%(n)d days", days) % {"n": days}) for days in allowed]
