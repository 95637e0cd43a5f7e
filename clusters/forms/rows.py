"""Rows of a form: ports, variables, files, volumes. Empty rows are there, more can be asked for without a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from clusters.spec import shape
from clusters.spec.routes import MAX_HOST, MAX_PATH
from console.kit.forms import KitForm

Words = str | Promise


class GrowingForm(KitForm):
    """A form that may ask for more rows: then it is shown again with everything that was typed, and not judged yet."""

    growing = False

    def full_clean(self) -> None:
        """Judge, unless it is only growing."""
        if self.growing:
            self._errors = ErrorDict()
            self.cleaned_data: dict[str, Any] = {}
            return
        super().full_clean()


@dataclass(frozen=True)
class Kind:
    """One kind of row: the fields a row has, the one that tells whether it is used, and how many there may be."""

    name: str
    word: Words
    lead: str
    most: int
    empty: int
    fields: Mapping[str, Mapping[str, Any]]


def text(label: Words, most: int, **more: Any) -> dict[str, Any]:
    """A short text."""
    return {"make": forms.CharField, "label": label, "max_length": most, "required": False, **more}


def lines(label: Words, rows: int, most: int, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A text whose line breaks and blanks count."""
    attributes = {"rows": rows, "class": "mono", "spellcheck": "false", **(more or {})}
    return {**text(label, most), "strip": False, "widget": forms.Textarea, "attrs": attributes}


def pick(label: Words, choices: Sequence[tuple[str, Words]]) -> dict[str, Any]:
    """One of a few."""
    return {"make": forms.ChoiceField, "label": label, "required": False, "choices": list(choices)}


def box(label: Words) -> dict[str, Any]:
    """Yes or no."""
    return {"make": forms.BooleanField, "label": label, "required": False}


OUTSIDE = [("none", _("Not outside")), ("node_port", _("A port of the nodes")), ("http_route", _("An HTTP route"))]
GENERATE = [
    ("", _("Not generated")),
    ("alphanumeric", _("Letters and digits")),
    ("hex", _("Hexadecimal")),
    ("digits", _("Digits")),
    ("symbols", _("Letters, digits and symbols")),
]
ACCESS = [("ReadWriteOnce", _("One node writes")), ("ReadWriteMany", _("Many nodes write"))]

KINDS: tuple[Kind, ...] = (
    Kind(
        "ports",
        pgettext_lazy("row", "Port"),
        "number",
        shape.MAX_PORTS,
        2,
        {
            "number": {
                "make": forms.IntegerField,
                "label": _("Number"),
                "required": False,
                "min_value": 1,
                "max_value": 65535,
            },
            "name": text(_("Port name"), 15),
            "protocol": pick(_("Protocol"), [(name, name) for name in shape.PROTOCOLS]),
            "alias": text(_("Alias for dependants"), 64),
            "inside": {**box(_("Reached inside")), "initial": True},
            "outside": pick(_("Reached from outside"), OUTSIDE),
            "host": text(_("Host of the route"), MAX_HOST),
            "path": text(_("Path of the route"), MAX_PATH),
        },
    ),
    Kind(
        "variables",
        pgettext_lazy("row", "Variable"),
        "name",
        shape.MAX_VARIABLES,
        3,
        {
            "name": text(_("Variable name"), 64),
            "value": lines(_("Value"), 1, 16 * 1024, {"data-secret-when": "secret"}),
            "secret": box(_("Secret")),
            "offered": box(_("Offered to dependants")),
            "generate": pick(_("Generate if empty"), GENERATE),
            "length": {
                "make": forms.IntegerField,
                "label": _("Length"),
                "required": False,
                "min_value": 8,
                "max_value": 128,
            },
        },
    ),
    Kind(
        "files",
        pgettext_lazy("row", "File"),
        "path",
        shape.MAX_FILES,
        1,
        {
            "path": text(_("Path"), 1024),
            "mode": text(_("Mode"), 4),
            "content": lines(_("Content"), 6, shape.MAX_FILE_BYTES),
        },
    ),
    Kind(
        "volumes",
        pgettext_lazy("row", "Volume"),
        "name",
        shape.MAX_VOLUMES,
        1,
        {
            "name": text(_("Volume name"), 15),
            "path": text(_("Mounted at"), 1024),
            "size": text(_("Size"), 32),
            "storage_class": text(_("Storage class"), 253),
            "access": pick(_("Access"), ACCESS),
        },
    ),
)
BY_NAME = {kind.name: kind for kind in KINDS}
GONE = "gone"


def fields_of(kind: Kind, index: int) -> dict[str, forms.Field]:
    """Make the fields of one row, `ports_0_number` and so on, with a box that takes the row out."""
    found: dict[str, forms.Field] = {}
    for name, words in {**kind.fields, GONE: box(_("Take out"))}.items():
        given = dict(words)
        make, attributes = given.pop("make"), given.pop("attrs", {})
        field = make(**given)
        field.widget.attrs.update(attributes)
        found[f"{kind.name}_{index}_{name}"] = field
    return found


def unix(value: str, former: str | None) -> str:
    """Give a text as it was meant: browsers send every line break as two characters."""
    plain = value.replace("\r\n", "\n")
    return former if former is not None and former.replace("\r\n", "\n") == plain else plain


def is_used(kind: Kind, row: Mapping[str, Any]) -> bool:
    """A row counts once something was typed into it; then what is missing is told."""
    typed = [
        value for name, value in row.items() if kind.fields[name]["make"] is not forms.ChoiceField and name != "inside"
    ]
    return any(value not in (None, "", False) for value in typed)


def entry_of(kind: Kind, row: dict[str, Any], former: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row as the API takes it; `former` is what stood there."""
    if kind.name == "variables":
        return _variable(row, former)
    if kind.name == "files":
        row["content"] = unix(row["content"] or "", former.get("content"))
    if kind.name == "ports" and row["outside"] != "http_route":
        # What a route said goes with it; what was typed for one that is not chosen is told.
        row |= {name: "" for name in ("host", "path") if row[name] == former.get(name)}
    kept = {name: value for name, value in row.items() if value not in (None, "") or name == "content"}
    if kind.name == "volumes":
        kept.setdefault("name", "")
        kept.setdefault("path", "")
    return kept


def _variable(row: dict[str, Any], former: Mapping[str, Any]) -> dict[str, Any]:
    """A secret that is left empty stays as it is; a plain value may be empty."""
    found: dict[str, Any] = {"name": row["name"] or "", "offered": row["offered"], "secret": row["secret"]}
    value = unix(row["value"] or "", former.get("value"))
    if not row["secret"]:
        return {**found, "value": value}
    if value:
        found["value"] = value
    if row["generate"]:
        found["generate"] = {"alphabet": row["generate"], **({"length": row["length"]} if row["length"] else {})}
    return found


def shown_of(kind: Kind, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields' values of an entry."""
    if kind.name != "variables":
        return dict(entry)
    rule = entry.get("generate") or {}
    return {
        **entry,
        "value": entry.get("value") or "",
        "generate": rule.get("alphabet", ""),
        "length": rule.get("length"),
    }
