"""The form of an installation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clusters.values import Parameter
from console.kit.errors import FieldError, WaybillError
from marketplace.actions.delivering import CONSENTS
from marketplace.actions.install import Order
from marketplace.forms.parameters import PREFIX, ParametersForm

OWN = "own_"
"""What a field's name begins with that is one environment's alone: `own_{environment}_{address}`."""


@dataclass(frozen=True)
class OwnPart:
    """The fields of one environment, and whether something is said in them or wrong with them."""

    environment: str
    name: str
    fields: list[forms.BoundField]
    open: bool


class InstallForm(ParametersForm):
    """Where, under which name, which version, with which values.

    `places` are the environments that may be chosen, by slug; `chosen` those that are, slug → name. Where several are,
    each may have a value of its own for every parameter, which wins over the common one.
    """

    environments = forms.MultipleChoiceField(
        label=_("Where"), error_messages={"required": _("Choose at least one environment.")}
    )
    app_name = forms.CharField(label=_("Name"), max_length=64)
    app_slug = forms.CharField(
        label=_("Short name"), max_length=30, widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false"})
    )
    version = forms.CharField(max_length=40)

    def __init__(
        self, *args: Any, places: Sequence[str], chosen: Mapping[str, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        where = self.fields["environments"]
        assert isinstance(where, forms.MultipleChoiceField)
        where.choices = [(place, place) for place in places]
        given = chosen or {}
        self.several = {slug: given[slug] for slug in places if slug in given} if len(given) > 1 else {}
        self._common = {parameter["address"] for parameter in self.parameters if self._is_needed(parameter)}
        for parameter in self.parameters if self.several else ():
            # Whether each environment has a value can be told only once all of them are read.
            self.fields[PREFIX + parameter["address"]].required = False
            for slug in self.several:
                self.fields[own_name(slug, parameter["address"])] = self.own_field(parameter)
        self.dress()

    def _is_needed(self, parameter: Parameter) -> bool:
        return self.fields[PREFIX + parameter["address"]].required

    @property
    def needed(self) -> list[forms.BoundField]:
        """The fields that cannot be left empty for every environment."""
        return [self[PREFIX + parameter["address"]] for parameter in self.parameters if self._is_common(parameter)]

    @property
    def optional(self) -> list[forms.BoundField]:
        """Those that have a value already."""
        return [self[PREFIX + parameter["address"]] for parameter in self.parameters if not self._is_common(parameter)]

    def _is_common(self, parameter: Parameter) -> bool:
        return parameter["address"] in self._common

    @property
    def own_parts(self) -> list[OwnPart]:
        """The fields of each environment chosen, where several are."""
        return [self._own_part(slug, name) for slug, name in self.several.items()] if self.parameters else []

    def _own_part(self, slug: str, name: str) -> OwnPart:
        fields = [self[own_name(slug, parameter["address"])] for parameter in self.parameters]
        return OwnPart(slug, name, fields, any(field.errors or field.value() for field in fields))

    def clean(self) -> dict[str, Any]:
        """Ask for what has neither a common value nor one of the environment's own, where the first person looks."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        places = [slug for slug in self.several if slug in data.get("environments", ())]
        for address in self._common if self.several else ():
            name = PREFIX + address
            missing = [slug for slug in places if not said(data.get(own_name(slug, address)))]
            if said(data.get(name)) or name in self.errors or not missing:
                continue
            words = self.fields[name].error_messages["required"]
            for field in [name] if len(missing) == len(places) else [own_name(slug, address) for slug in missing]:
                self.add_error(field, words)
        return data

    def values_by_environment(self) -> dict[str, dict[str, Any]]:
        """Give what environments say for themselves: slug → address → value."""
        found: dict[str, dict[str, Any]] = {}
        for slug in self.several:
            if slug in self.cleaned_data["environments"]:
                own = {one["address"]: self.own_value(one, own_name(slug, one["address"])) for one in self.parameters}
                found[slug] = {address: value for address, value in own.items() if said(value)}
        return {slug: values for slug, values in found.items() if values}

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
            values_by_environment=self.values_by_environment(),
            plan_id=plan or None,
            consents=[consent for consent in consents if consent in CONSENTS],
        )

    def refuse(self, error: WaybillError) -> None:
        """A slug that is taken belongs to the slug, wherever it is taken; several environments say the same once, and a
        value that is one environment's own is told there."""
        seen: dict[tuple[str, str], FieldError] = {}
        for wrong in error.errors:
            pointer = "/app_slug" if wrong.code == "slug_taken" else self._place(wrong.pointer)
            seen.setdefault((pointer, wrong.code), FieldError(pointer, wrong.code, wrong.params))
        error.errors = tuple(seen.values())
        super().refuse(error)

    def _place(self, pointer: str) -> str:
        """Give the field that a place of the request means: `/environments/1/values/{address}` may be one's own, and
        `/values_by_environment/{slug}/{address}` is."""
        head, _, tail = pointer.lstrip("/").partition("/")
        number, _, rest = tail.partition("/")
        if head == "values_by_environment" and rest:
            return f"/{own_name(number, rest)}"
        if head != "environments" or not rest:
            return pointer
        chosen = self.cleaned_data.get("environments", [])
        slug = chosen[int(number)] if number.isdecimal() and int(number) < len(chosen) else ""
        own = own_name(slug, rest.removeprefix("values/"))
        return f"/{own}" if said(self.cleaned_data.get(own)) else f"/{rest}"


def own_name(environment: str, address: str) -> str:
    """Give the name of the field for one environment's own value."""
    return f"{OWN}{environment}_{address}"


def said(value: Any) -> bool:
    """Whether something was said: no is something."""
    return value not in (None, "")
