"""The form of what a template is called and who sees it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from console.kit.forms import KitForm
from marketplace.actions.publish import INTRO_LENGTH
from marketplace.actions.templates import OWN
from marketplace.models import Template


class TemplateForm(KitForm):
    """Name and scope belong to the market's admins; intro and tags to the team that owns the template too."""

    name = forms.CharField(label=_("Name"), max_length=64)
    scope = forms.ChoiceField(label=_("Scope"), choices=Template.Scope.choices)
    intro = forms.CharField(
        label=_("Introduction"), required=False, max_length=INTRO_LENGTH, widget=forms.Textarea(attrs={"rows": 4})
    )
    tags = forms.CharField(
        label=_("Tags"), required=False, max_length=1000, help_text=_("Separated by commas, such as Java, Office.")
    )

    def __init__(self, *args: Any, whole: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not whole:
            for name in set(self.fields) - OWN:
                del self.fields[name]

    def changes(self) -> dict[str, Any]:
        """Give what the action takes."""
        return {**self.cleaned_data, "tags": split_tags(self.cleaned_data["tags"])}


def split_tags(text: str) -> list[str]:
    """Give the tags of a line; a comma of either width parts them."""
    return [tag for part in text.replace("\uff0c", ",").split(",") if (tag := part.strip())]
