"""Forms of clusters: how to reach one, what it is called, what may change, and letting it go."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clusters.actions.clusters import TOKEN_LONGEST
from clusters.models import Cluster
from console.kit.forms import KitForm

FILE_LARGEST = 1 << 20
"""Bytes: what a kubeconfig may be at most, as over REST."""


class SecretText(forms.Textarea):
    """A text that is typed and never shown again, not even when its form is shown anew."""

    def format_value(self, value: Any) -> str | None:
        """Show nothing, whatever was typed."""
        return None


class ConnectionForm(KitForm):
    """A kubeconfig, pasted or as a file; or address, token and CA."""

    field_of = {"kubeconfig_refused": "kubeconfig", "yaml_refused": "kubeconfig", "address_denied": "endpoint"}

    kubeconfig = forms.CharField(
        label=_("Kubeconfig"),
        required=False,
        max_length=FILE_LARGEST,
        help_text=_("Kept encrypted and never shown again. Programs and files it names are not used."),
        widget=SecretText(
            attrs={"rows": "11", "class": "mono", "spellcheck": "false", "autocomplete": "off", "data-secret": ""}
        ),
    )
    kubeconfig_file = forms.FileField(
        label=_("Or choose its file"), required=False, help_text=_("Used when nothing is pasted above.")
    )
    endpoint = forms.CharField(
        label=_("Address"),
        required=False,
        max_length=300,
        help_text=_("Such as https://10.77.0.12:6443."),
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"}),
    )
    token = forms.CharField(
        label=_("Token"),
        required=False,
        max_length=TOKEN_LONGEST,
        help_text=_("Kept encrypted and never shown again."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    ca_pem = forms.CharField(
        label=_("CA certificate"),
        required=False,
        max_length=1 << 18,
        strip=False,
        help_text=_("PEM. Left empty, the CAs of the console's own system are trusted."),
        widget=forms.Textarea(attrs={"rows": "4", "class": "mono", "spellcheck": "false"}),
    )

    def clean_kubeconfig_file(self) -> str:
        """Read the file as text, within the limit."""
        given = self.cleaned_data.get("kubeconfig_file")
        if not given:
            return ""
        if given.size > FILE_LARGEST:
            raise forms.ValidationError(_("This file is larger than a kubeconfig can be."))
        try:
            text: str = given.read().decode()
        except UnicodeDecodeError as error:
            raise forms.ValidationError(_("This file is not text.")) from error
        return text

    def clean(self) -> dict[str, Any]:
        """Ask for one of the two ways."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not any(
            data.get(name) for name in ("kubeconfig", "kubeconfig_file", "endpoint", "token")
        ):
            self.add_error("kubeconfig", _("Paste a kubeconfig or choose its file; or give address and token."))
        return data

    def connection(self) -> dict[str, str]:
        """Give the connection as the action takes it."""
        data = self.cleaned_data
        given = {name: data[name] for name in ("endpoint", "token", "ca_pem") if data[name]}
        return given | ({"kubeconfig": text} if (text := data["kubeconfig"] or data["kubeconfig_file"]) else {})


class NamesForm(KitForm):
    """What a checked cluster is to be called."""

    field_of = {"slug_taken": "slug", "name_taken": "name"}

    name = forms.CharField(label=_("Name"), max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    slug = forms.CharField(
        label=_("Short name"),
        required=False,
        max_length=30,
        help_text=_("Used in addresses and in the API. It never changes; left empty, it is made from the name."),
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off", "spellcheck": "false"}),
    )


class ClusterForm(KitForm):
    """What may change of a cluster."""

    field_of = {"name_taken": "name"}

    name = forms.CharField(label=_("Name"), max_length=64)
    node_address = forms.CharField(
        label=_("Node address"),
        required=False,
        max_length=253,
        help_text=_("Where node ports are reached, for the links of apps. Left empty, a node's own address is used."),
    )
    ingress_class = forms.CharField(
        label=_("Ingress class"),
        required=False,
        max_length=63,
        help_text=_("Serves the HTTP routes of apps, such as nginx. Left empty, there are none."),
    )
    ingress_domain = forms.CharField(
        label=_("Ingress domain"),
        required=False,
        max_length=253,
        help_text=_("Hosts of HTTP routes are made below it, such as apps.example.com."),
    )

    def show_saved(self, row: Cluster) -> None:
        """Say beside each field what somebody else saved there meanwhile; what was typed stays."""
        for name in self.fields:
            saved = getattr(row, name) or ""
            if saved != (self.cleaned_data.get(name) or ""):
                words = _("Saved meanwhile: %(value)s") if saved else _("Saved meanwhile as empty.")
                self.add_error(name, forms.ValidationError(words, params={"value": saved}))


class RemovalForm(KitForm):
    """The name typed once more, for what cannot be taken back."""

    confirm_name = forms.CharField(
        label=_("Type the short name of the cluster to remove it"),
        max_length=64,
        widget=forms.TextInput(attrs={"class": "mono typed", "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected

    def clean_confirm_name(self) -> str:
        """Take exactly the name."""
        typed: str = self.cleaned_data["confirm_name"]
        if typed != self.expected:
            raise forms.ValidationError(_("This is not %(name)s."), params={"name": self.expected})
        return typed
