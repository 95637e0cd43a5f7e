"""The form of a publication: template, number, components, and what an installer may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from clusters.values.parameters import route_addresses
from console.kit.errors import FieldError, WaybillError
from console.kit.forms import KitForm
from marketplace.actions.publish import ALIAS_LENGTH, INTRO_LENGTH, NOTES_LENGTH, TemplateWish, VersionWish
from marketplace.forms.template import split_tags
from marketplace.models import Template

TYPES = [
    ("text", pgettext_lazy("parameter", "Text")),
    ("number", pgettext_lazy("parameter", "Number")),
    ("choice", pgettext_lazy("parameter", "Choice")),
    ("switch", pgettext_lazy("parameter", "Switch")),
]
CARRIED = ("required", "pattern", "min", "max")
"""What a parameter of the version before may have beyond what the form asks; it stays while the type does."""


@dataclass(frozen=True)
class Offer:
    """One variable: whether its value is a secret, whether that is generated, and the fields of its row."""

    address: str
    value: str
    secret: bool
    generated: bool
    tick: forms.BoundField | None
    label: forms.BoundField | None
    type: forms.BoundField | None
    choices: forms.BoundField | None


class PublishForm(KitForm):
    """What is published is what is deployed; `former` are the parameters of the publication before."""

    field_of: ClassVar[Mapping[str, str]] = {
        "number_taken": "number",
        "slug_taken": "new_slug",
        "name_taken": "new_name",
    }

    template = forms.CharField(label=_("Template"), required=False, max_length=30)
    new_name = forms.CharField(label=_("Name"), required=False, max_length=64)
    new_slug = forms.CharField(
        label=_("Slug"), required=False, max_length=30, help_text=_("Never changes; left empty it follows the name.")
    )
    new_scope = forms.ChoiceField(
        label=_("Scope"), required=False, choices=Template.Scope.choices, initial=Template.Scope.ENTERPRISE
    )
    new_intro = forms.CharField(
        label=_("Introduction"),
        required=False,
        max_length=INTRO_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    new_tags = forms.CharField(
        label=_("Tags"), required=False, max_length=1000, help_text=_("Separated by commas, such as Java, Office.")
    )
    number = forms.CharField(
        label=_("Version number"),
        max_length=40,
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Such as 1.0, 1.2.3 or 2.0-rc.1. A published number is never used again."),
    )
    alias = forms.CharField(label=_("Alias"), required=False, max_length=ALIAS_LENGTH)
    notes = forms.CharField(
        label=_("Notes"), required=False, max_length=NOTES_LENGTH, widget=forms.Textarea(attrs={"rows": 3})
    )
    components = forms.MultipleChoiceField(label=_("Components"), widget=forms.CheckboxSelectMultiple)
    confirm_by_itself = forms.BooleanField(
        label=_("Publish as soon as all images are copied"),
        required=False,
        help_text=_("Otherwise it waits for you to confirm."),
    )

    def __init__(
        self,
        *args: Any,
        deployed: Sequence[Mapping[str, Any]],
        former: Sequence[Mapping[str, Any]] = (),
        **kwargs: Any,
    ) -> None:
        self._deployed = deployed
        self._former = {parameter["address"]: parameter for parameter in former}
        super().__init__(*args, **kwargs)
        chosen = self.fields["components"]
        assert isinstance(chosen, forms.MultipleChoiceField)
        chosen.choices = [(part["key"], part["name"]) for part in deployed]
        chosen.initial = [part["key"] for part in deployed]
        for address, variable in self._open():
            self._add_row(address, variable)
        self.dress()

    def _open(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Give the variables an installer may be let change, and the hosts and paths of HTTP routes; a secret without
        a rule has to be given in any case."""
        variables: list[tuple[str, Mapping[str, Any]]] = [
            (f"{part['key']}.variables.{variable['name']}", variable)
            for part in self._deployed
            for variable in part["variables"]
        ]
        routes = route_addresses(self._deployed)  # type: ignore[arg-type]  # a document's components, as plain JSON
        return variables + [
            (address, {"name": address.rpartition(".")[2], "value": value, "types": TYPES[:1]})
            for address, value in routes.items()
        ]

    def _add_row(self, address: str, variable: Mapping[str, Any]) -> None:
        held = self._former.get(address, {})
        secret = bool(variable.get("secret"))
        rows: dict[str, forms.Field] = {
            "label": forms.CharField(required=False, max_length=64, initial=held.get("label") or variable["name"])
        }
        if not secret or variable.get("generate"):
            rows["offer"] = forms.BooleanField(required=False, initial=bool(held))
        types = variable.get("types", TYPES)
        if not secret:
            rows["type"] = forms.ChoiceField(required=False, choices=types, initial=held.get("type", "text"))
        if not secret and types is TYPES:
            rows["choices"] = forms.CharField(
                required=False, max_length=2000, initial=", ".join(held.get("choices", []))
            )
        for name, field in rows.items():
            field.widget.attrs["aria-label"] = f"{ROWS[name]} {address}"
            field.label = address
            self.fields[f"{name}_{address}"] = field

    @property
    def offers(self) -> list[Offer]:
        """The rows of the variables."""

        def cell(name: str, address: str) -> forms.BoundField | None:
            key = f"{name}_{address}"
            return self[key] if key in self.fields else None

        return [
            Offer(
                address,
                str(variable.get("value", "")),
                bool(variable.get("secret")),
                variable.get("generate") is not None,
                *(cell(name, address) for name in ("offer", "label", "type", "choices")),
            )
            for address, variable in self._open()
        ]

    def clean(self) -> dict[str, Any]:
        """Ask for a name where the template is new."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not data.get("template") and not data.get("new_name"):
            self.add_error("new_name", _("A new template needs a name."))
        return data

    def template_wish(self) -> TemplateWish:
        """Give which template the version belongs to."""
        data = self.cleaned_data
        if data["template"]:
            return TemplateWish(slug=data["template"])
        return TemplateWish(
            slug=data["new_slug"] or None,
            name=data["new_name"],
            scope=data["new_scope"] or Template.Scope.ENTERPRISE,
            intro=data["new_intro"],
            tags=split_tags(data["new_tags"]),
        )

    def version_wish(self) -> VersionWish:
        """Give what the version is called and what is in it."""
        data = self.cleaned_data
        return VersionWish(
            number=data["number"],
            alias=data["alias"] or None,
            notes=data["notes"] or None,
            components=data["components"],
            parameters=self.parameters(),
        )

    def parameters(self) -> list[dict[str, Any]]:
        """Give the parameters of the rows that are ticked, and of the secrets that must be given."""
        data = self.cleaned_data
        found = []
        for address, variable in self._open():
            secret, generated = bool(variable.get("secret")), bool(variable.get("generate"))
            must = secret and not generated
            if address.partition(".")[0] not in data["components"] or not (must or data.get(f"offer_{address}")):
                continue
            kind = "secret" if secret else data.get(f"type_{address}") or "text"
            held = self._former.get(address, {})
            carried = {name: held[name] for name in CARRIED if name in held} if held.get("type") == kind else {}
            parameter = {"address": address, "label": data.get(f"label_{address}") or variable["name"], "type": kind}
            if kind == "choice":
                parameter["choices"] = split_tags(data.get(f"choices_{address}", ""))
            found.append({**carried, **parameter})
        return found

    def refuse(self, error: WaybillError) -> None:
        """Find the field a refusal is about: rows of parameters by their address, taken names by their code."""
        addresses = [parameter["address"] for parameter in self.parameters()]
        error.errors = tuple(FieldError(_place(one.pointer, addresses), one.code, one.params) for one in error.errors)
        super().refuse(error)


ROWS = {"offer": _("Installer may change"), "label": _("Label of"), "type": _("Type of"), "choices": _("Choices of")}


def _place(pointer: str, addresses: Sequence[str]) -> str:
    parts = pointer.lstrip("/").split("/")
    if parts[0] == "parameters" and len(parts) > 2 and parts[1].isdecimal() and int(parts[1]) < len(addresses):
        return f"/{parts[2]}_{addresses[int(parts[1])]}"
    if parts[0] == "template" and len(parts) > 1:
        return f"/new_{parts[1]}"
    return pointer
