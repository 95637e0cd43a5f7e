"""Fields for the parameters a version declares: what the installer sees, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from clusters.values import Parameter
from clusters.values.parameters import route_addresses
from console.kit.forms import KitForm

PREFIX = "values_"


class ParametersForm(KitForm):
    """A form with one field for each declared parameter, named `values_` and its address.

    `present` are the values an application has already: address → value; a secret is only known to be there.
    """

    def __init__(
        self,
        *args: Any,
        document: Mapping[str, Any],
        present: Mapping[str, Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        self.parameters: Sequence[Parameter] = document.get("parameters") or []
        self._variables = _variables(document)
        self._routes = route_addresses(document.get("components") or [])
        self._present = present or {}
        super().__init__(*args, **kwargs)
        for parameter in self.parameters:
            self.fields[PREFIX + parameter["address"]] = self._field(parameter)
        self.dress()

    @property
    def parameter_fields(self) -> list[forms.BoundField]:
        """The fields of the parameters, in the order of the version."""
        return [self[PREFIX + parameter["address"]] for parameter in self.parameters]

    @property
    def needed(self) -> list[forms.BoundField]:
        """Those that cannot be left empty."""
        return [field for field in self.parameter_fields if field.field.required]

    @property
    def optional(self) -> list[forms.BoundField]:
        """Those that have a value already."""
        return [field for field in self.parameter_fields if not field.field.required]

    def values(self) -> dict[str, Any]:
        """Give what differs from what holds without it: address → value."""
        given: dict[str, Any] = {}
        for parameter in self.parameters:
            address = parameter["address"]
            value = self.cleaned_data.get(PREFIX + address)
            if value in (None, "") or (parameter["type"] != "secret" and value == self._start(parameter)):
                continue
            given[address] = value
        return given

    def own_field(self, parameter: Parameter) -> forms.Field:
        """Make a field for a value that takes the place of the common one; left empty, it does not."""
        field = self._field(parameter)
        field.required, field.initial = False, None
        field.help_text = ""
        if parameter["type"] in {"switch", "choice"}:
            words = {"true": _("On"), "false": _("Off")}
            listed = [*words.items()] if parameter["type"] == "switch" else [(one, one) for one in parameter["choices"]]
            return forms.ChoiceField(required=False, label=field.label, choices=[("", _("As above")), *listed])
        return field

    def own_value(self, parameter: Parameter, name: str) -> Any:
        """Give what such a field says, as its parameter means it; None or nothing when it says nothing."""
        value = self.cleaned_data.get(name)
        return value == "true" if parameter["type"] == "switch" and value else value

    def _start(self, parameter: Parameter) -> Any:
        """What holds when nothing is said: the application's own value, or the version's."""
        address = parameter["address"]
        if parameter["type"] == "secret":
            return None
        value = self._present.get(address, {}).get("value")
        if value is None:
            value = self._variables.get(address, {}).get("value", self._routes.get(address))
        return _typed(parameter, value)

    def _field(self, parameter: Parameter) -> forms.Field:
        variable = self._variables.get(parameter["address"], {})
        start = self._start(parameter)
        more: dict[str, Any] = {"label": parameter["label"], "initial": start, "help_text": parameter["address"]}
        kind = parameter["type"]
        if parameter["address"] in self._routes and parameter["address"].endswith(".host") and not start:
            more["help_text"] = _("Left empty, the host is made from the names of app, component and environment.")
        if kind == "secret":
            there = "secret" in self._present.get(parameter["address"], {})
            generated = variable.get("generate") is not None
            if there:
                more["help_text"] = _("Already set; left empty, it stays as it is.")
            elif generated:
                more["help_text"] = _("Left empty, one is generated.")
            hidden = forms.PasswordInput(render_value=True, attrs={"autocomplete": "new-password"})
            return forms.CharField(required=not (there or generated), strip=False, widget=hidden, **more)
        needed = bool(parameter["required"]) and start in (None, "")
        if kind == "choice":
            listed = [(choice, choice) for choice in parameter.get("choices", [])]
            if start not in parameter.get("choices", []):
                listed.insert(0, ("", _("Choose")))
            return forms.ChoiceField(required=needed, choices=listed, **more)
        if kind == "switch":
            return forms.BooleanField(required=False, **more)
        if kind == "number":
            return forms.IntegerField(
                required=needed, min_value=parameter.get("min"), max_value=parameter.get("max"), **more
            )
        return forms.CharField(required=needed, strip=False, **more)


def _variables(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {
        f"{component['key']}.variables.{variable['name']}": variable
        for component in document.get("components", [])
        for variable in component["variables"]
    }


def _typed(parameter: Parameter, value: Any) -> Any:
    """Read a variable's text as its parameter means it."""
    if parameter["type"] == "switch":
        return value is True or value == "true"
    if parameter["type"] == "number":
        return int(value) if str(value or "").lstrip("-").isdecimal() else None
    return value
