"""Forms of applications."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from console.kit.forms import KitForm


class AppForm(KitForm):
    """A new application: its name, and its slug if it shall be another than the name gives."""

    name = forms.CharField(
        label=_("App name"), max_length=64, widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"})
    )
    slug = forms.CharField(
        label=_("Short name"),
        required=False,
        max_length=30,
        help_text=_("Part of addresses and of objects' names. It never changes; left empty, it is made from the name."),
    )


class AppNameForm(KitForm):
    """Another display name."""

    name = forms.CharField(label=_("App name"), max_length=64)


class RemovalForm(KitForm):
    """What becomes of the volumes, and the slug typed once more where they shall go."""

    volumes = forms.ChoiceField(
        label=_("Volumes"),
        initial="keep",
        widget=forms.RadioSelect,
        choices=[("keep", _("Keep the volumes and their data")), ("delete", _("Delete the volumes with their data"))],
    )
    confirm_name = forms.CharField(
        label=_("Type the short name of the app to delete its volumes"),
        required=False,
        max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono typed"}),
    )

    def clean(self) -> dict[str, Any]:
        """An empty name is none."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        data["confirm_name"] = data.get("confirm_name") or None
        return data
