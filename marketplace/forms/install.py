"""The form of an installation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from console.kit.errors import FieldError, WaybillError
from marketplace.actions.delivering import CONSENTS
from marketplace.actions.install import Order
from marketplace.forms.parameters import ParametersForm


class InstallForm(ParametersForm):
    """Where, under which name, which version, with which values."""

    environments = forms.MultipleChoiceField(
        label=_("Where"), error_messages={"required": _("Choose at least one environment.")}
    )
    app_name = forms.CharField(label=_("Name"), max_length=64)
    app_slug = forms.CharField(
        label=_("Short name"), max_length=30, widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false"})
    )
    version = forms.CharField(max_length=40)

    def __init__(self, *args: Any, places: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        where = self.fields["environments"]
        assert isinstance(where, forms.MultipleChoiceField)
        where.choices = [(place, place) for place in places]

    def order(self, template: str, *, plan: str = "", consents: Sequence[str] = ()) -> Order:
        """Give what the action takes."""
        data = self.cleaned_data
        return Order(
            template=template,
            environments=data["environments"],
            version=data["version"],
            slug=data["app_slug"],
            name=data["app_name"],
            values=self.values(),
            plan_id=plan or None,
            consents=[consent for consent in consents if consent in CONSENTS],
        )

    def refuse(self, error: WaybillError) -> None:
        """A slug that is taken belongs to the slug, wherever it is taken; several environments say the same once."""
        seen: dict[tuple[str, str], FieldError] = {}
        for wrong in error.errors:
            inside = wrong.pointer.startswith("/environments/")
            tail = "/".join(wrong.pointer.split("/")[3:]) if inside else ""
            pointer = "/app_slug" if wrong.code == "slug_taken" else f"/{tail}" if tail else wrong.pointer
            seen.setdefault((pointer, wrong.code), FieldError(pointer, wrong.code, wrong.params))
        error.errors = tuple(seen.values())
        super().refuse(error)
