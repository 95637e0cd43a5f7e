"""The base of every form on a page: what an action refuses is shown beside the field it refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms

from console.kit import messages
from console.kit.errors import WaybillError
from console.kit.pages import field_problems

_CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxInput, "form-check-input"),
    (forms.CheckboxSelectMultiple, "form-check-input"),
    (forms.RadioSelect, "form-check-input"),
    (forms.Select, "form-select"),
    (forms.Widget, "form-control"),
)


class KitForm(forms.Form):
    """A form in the look of the house. Its fields have the names the action and the API use."""

    required_css_class = "required"
    refused: WaybillError | None = None

    @property
    def status(self) -> int:
        """The HTTP status of the page that shows this form: 200, 422 for its own problems, or that of a refusal."""
        if self.refused is not None:
            return self.refused.status
        return 422 if self.is_bound and self.errors else 200

    field_of: ClassVar[Mapping[str, str]] = {}
    """Code → the field that a refusal without pointers is about."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dress()

    def dress(self) -> None:
        """Give every field its look; a form that adds fields of its own calls it again."""
        for field in self.fields.values():
            wanted = next(name for widget, name in _CLASSES if isinstance(field.widget, widget))
            classes = str(field.widget.attrs.get("class", "")).split()
            if wanted not in classes:
                field.widget.attrs["class"] = " ".join([wanted, *classes])

    def refuse(self, error: WaybillError) -> None:
        """Put the sentences of `error` where they belong; what belongs to no field stands above the form.

        A pointer like `/ports/0/number` belongs to the field `ports`, unless there is one with the longer name
        (`ports_0_number`).
        """
        self.refused = error
        told = field_problems(error)
        for pointer, sentences in told.items():
            whole, head = pointer.replace("/", "_"), pointer.partition("/")[0]
            name = next((name for name in (whole, head) if name in self.fields), None)
            for sentence in sentences:
                self.add_error(name, sentence)
        if not told:
            self.add_error(self.field_of.get(error.code), messages.said(error.code, error.params))
