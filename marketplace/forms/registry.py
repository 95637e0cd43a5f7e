"""The form of the image registry."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from console.kit.forms import KitForm
from marketplace.actions.registry import SECRET_FIELDS, Settings
from operations.models import Operation

_SECRET = {"autocomplete": "new-password", "spellcheck": "false"}
_PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class RegistryForm(KitForm):
    """The settings as the actions take them; passwords are typed and never shown."""

    field_of = {"settings_untested": "save_untested", "address_denied": "address"}

    address = forms.CharField(
        label=_("Address"),
        max_length=253,
        help_text=_("Host, and port where it is not 443, such as registry.example.com."),
        widget=forms.TextInput(attrs={**_PLAIN, "class": "mono"}),
    )
    # A form's own `prefix` is an attribute of the object; fields live beside it.
    prefix = forms.CharField(  # type: ignore[assignment]
        label=_("Repository prefix"),
        required=False,
        max_length=128,
        help_text=_("The first part of every image's name, such as library. May be empty."),
        widget=forms.TextInput(attrs={**_PLAIN, "class": "mono"}),
    )
    user = forms.CharField(
        label=_("User"), max_length=200, help_text=_("May push there."), widget=forms.TextInput(attrs=_PLAIN)
    )
    password = forms.CharField(
        label=_("Password"),
        required=False,
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs=_SECRET),
    )
    pull_user = forms.CharField(
        label=_("User that only pulls"),
        required=False,
        max_length=200,
        help_text=_("What clusters get. Left empty, they get the account above."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    pull_password = forms.CharField(
        label=_("Its password"),
        required=False,
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs=_SECRET),
    )
    ca_pem = forms.CharField(
        label=_("CA certificate"),
        required=False,
        max_length=65536,
        strip=False,
        help_text=_("PEM. Left empty, the CAs of the console's own system are trusted."),
        widget=forms.Textarea(attrs={"rows": "4", "class": "mono", "spellcheck": "false"}),
    )
    plain_http = forms.BooleanField(
        label=_("Plain HTTP"),
        required=False,
        help_text=_(
            "Passwords and images then cross the network readable by anyone on it. This is recorded in the audit log."
        ),
    )
    save_untested = forms.BooleanField(
        label=_("Save anyway"),
        required=False,
        help_text=_("Saves settings whose test did not pass. This is recorded in the audit log."),
    )

    def settings(self) -> Settings:
        """Give the settings; an empty password stands for the saved one."""
        data = self.cleaned_data
        # A browser sends line ends of its own.
        ca_pem = data["ca_pem"].replace("\r\n", "\n").strip()
        return Settings(
            address=data["address"],
            prefix=data["prefix"],
            user=data["user"],
            password=data["password"] or None,
            pull_user=data["pull_user"] or None,
            pull_password=data["pull_password"] or None,
            ca_pem=f"{ca_pem}\n" if ca_pem else None,
            plain_http=data["plain_http"],
        )

    def is_as_tested(self, test: Operation) -> bool:
        """Whether these are exactly the settings of a test: nothing else typed, no password typed anew."""
        given = self.settings().public()
        typed = any(self.cleaned_data[name] for name in SECRET_FIELDS)
        return not typed and all(_plain(given[name]) == _plain(test.input.get(name)) for name in given)


def _plain(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value or ""
