"""The form of a component. It reads and writes the same shape as the API; what is checked, the action checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clusters import images
from clusters.forms.rows import BY_NAME, GONE, KINDS, GrowingForm, Kind, entry_of, fields_of, is_used, shown_of, unix
from clusters.spec import shape
from console.kit.errors import FieldError, WaybillError

PROBES = (("readiness", _("Ready when")), ("liveness", _("Alive while")), ("startup", _("Started when")))
PROBE_KINDS = [
    ("", _("Not asked")),
    ("http", _("A page answers (HTTP)")),
    ("tcp", _("A port is open (TCP)")),
    ("command", _("A command succeeds")),
]
TIMES = ("initial_delay", "period", "timeout", "failures")
ELSEWHERE = {
    "/key": "/own_key",
    "/run_as": "/run_as/user",
    "/replicas": "/replicas/default",
    "/image": "/image/reference",
}
"""Places of the API's body that are called otherwise here."""
_MONO = {"class": "mono", "spellcheck": "false", "autocapitalize": "none"}


def _number(label: Any, least: int, most: int, **more: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=least, max_value=most, **more)


def _lines(label: Any, help_text: Any) -> forms.CharField:
    area = forms.Textarea(attrs={"rows": 2, **_MONO})
    return forms.CharField(label=label, required=False, strip=False, widget=area, help_text=help_text)


class ComponentForm(GrowingForm):
    """One component of a draft. `former` is its JSON while it is edited; `others` are the keys of its siblings."""

    name = forms.CharField(label=_("Component name"), max_length=64, widget=forms.TextInput(attrs={"autofocus": True}))
    own_key = forms.CharField(
        label=_("Key"),
        required=False,
        max_length=20,
        help_text=_("Part of objects' names. It never changes; left empty it is made from the name."),
    )
    kind = forms.ChoiceField(
        label=_("Kind"), choices=[("stateless", _("Stateless")), ("stateful", _("Stateful"))], initial="stateless"
    )
    image_from = forms.ChoiceField(
        label=_("Taken from"),
        choices=[("registry", _("A registry")), ("docker", _("The console's Docker engine"))],
        initial="registry",
        required=False,
        widget=forms.RadioSelect,
        help_text=_("An image of the engine is brought into the image registry when the app is deployed."),
    )
    image_reference = forms.CharField(
        label=_("Image"),
        max_length=512,
        widget=forms.TextInput(attrs=_MONO),
        help_text=_("As for a pull: registry, path, and a tag or digest. It is looked up when the app is deployed."),
    )
    image_user = forms.CharField(
        label=_("Registry user"), required=False, max_length=255, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    image_password = forms.CharField(
        label=_("Registry password"),
        required=False,
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    replicas_default = _number(_("Replicas"), 1, shape.MAX_REPLICAS, initial=1)
    replicas_min = _number(_("At least"), 1, shape.MAX_REPLICAS)
    replicas_max = _number(_("At most"), 1, shape.MAX_REPLICAS)
    replicas_step = _number(_("In steps of"), 1, shape.MAX_REPLICAS)
    resources_requests_cpu = forms.CharField(label=_("CPU promised"), required=False, max_length=32)
    resources_limits_cpu = forms.CharField(label=_("CPU limit"), required=False, max_length=32)
    resources_requests_memory = forms.CharField(label=_("Memory promised"), required=False, max_length=32)
    resources_limits_memory = forms.CharField(label=_("Memory limit"), required=False, max_length=32)
    command = _lines(_("Command"), _("One word a line. Left empty, the image decides."))
    args = _lines(_("Arguments"), _("One argument a line."))
    run_as_user = _number(_("User id"), 1, 2**31 - 2, help_text=_("Never root. Left empty, the image decides."))
    run_as_group = _number(_("Group id"), 0, 2**31 - 2)
    start_timeout = _number(_("Seconds to become ready"), 10, 3600, initial=300)
    depends_on = forms.MultipleChoiceField(label=_("Depends on"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(
        self,
        data: Any = None,
        *,
        former: Mapping[str, Any] | None = None,
        others: Sequence[tuple[str, str]] = (),
        counts: Mapping[str, int] | None = None,
    ) -> None:
        self.former: Mapping[str, Any] = former or {}
        self.editing = former is not None
        self._rows: dict[str, list[int]] = {}
        self.forgotten: list[str] = []
        self.siblings = {key for key, _name in others}
        super().__init__(data, initial=initial_of(former) if former else None)
        depends = self.fields["depends_on"]
        assert isinstance(depends, forms.MultipleChoiceField)
        depends.choices = [(key, f"{name} ({key})" if name != key else key) for key, name in others]
        # Where no engine is set there is nothing to choose, but a choice made before can be taken back.
        if not images.is_engine_set() and self.former.get("image", {}).get("from", "registry") == "registry":
            del self.fields["image_from"]
        if self.editing:
            del self.fields["own_key"]
            self.fields["name"].widget.attrs.pop("autofocus")
        self.counts = {kind.name: self._count(kind, counts) for kind in KINDS}
        for kind in KINDS:
            for index in range(self.counts[kind.name]):
                self.fields |= fields_of(kind, index)
        for name, _label in PROBES:
            self.fields |= _probe_fields(name)
        self.dress()

    def _count(self, kind: Kind, counts: Mapping[str, int] | None) -> int:
        there = len(self.former.get(kind.name) or [])
        wanted = (counts or {}).get(kind.name, there + kind.empty)
        return min(max(wanted, there), kind.most)

    # --- What the page draws ---------------------------------------------------------------------------------------

    def entries(self, name: str) -> list[dict[str, Any]]:
        """Give the rows of one kind, as the page draws them."""
        kind = BY_NAME[name]
        found = []
        for index in range(self.counts[name]):
            fields = {field: self[f"{name}_{index}_{field}"] for field in kind.fields}
            boxes = [field for field in fields.values() if isinstance(field.field, forms.BooleanField)]
            there = index < len(self.former.get(name) or [])
            found.append(
                {
                    "number": index + 1,
                    "word": kind.word,
                    "fields": [field for field in fields.values() if field not in boxes],
                    "boxes": boxes,
                    "gone": self[f"{name}_{index}_{GONE}"] if there else None,
                    "kept": name == "variables" and self._kept(index),
                }
            )
        return found

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The four kinds of rows, each with whether there is something in it."""
        return [
            {
                "name": kind.name,
                "entries": self.entries(kind.name),
                "count": self.counts[kind.name],
                "filled": len(self.former.get(kind.name) or []),
                "more": self.counts[kind.name] < kind.most,
                "open": bool(self.former.get(kind.name)) or self._any(f"{kind.name}_") or self._typed(kind),
            }
            for kind in KINDS
        ]

    @property
    def probes(self) -> list[dict[str, Any]]:
        """The three probes with their fields."""
        names = ("kind", "port", "path", "command", *TIMES)
        return [{"label": label, "fields": [self[f"probes_{name}_{part}"] for part in names]} for name, label in PROBES]

    def named(self, *names: str) -> list[forms.BoundField]:
        """Give fields by their names."""
        return [self[name] for name in names]

    @property
    def scale(self) -> list[forms.BoundField]:
        """Replicas and resources."""
        amounts = [f"resources_{side}_{what}" for what in ("cpu", "memory") for side in ("requests", "limits")]
        return self.named("replicas_default", "replicas_min", "replicas_max", "replicas_step", *amounts)

    @property
    def start(self) -> list[forms.BoundField]:
        """How the container is started."""
        return self.named("command", "args", "run_as_user", "run_as_group", "start_timeout")

    @property
    def open_probes(self) -> bool:
        """Whether a probe is set."""
        typed = self.is_bound and any(self.data.get(f"probes_{name}_kind") for name, _label in PROBES)
        return bool(self.former.get("probes")) or typed or self._any("probes_")

    @property
    def open_scale(self) -> bool:
        """Whether this is worth opening the section of replicas and resources."""
        return self.editing or self._any("replicas_", "resources_")

    @property
    def open_start(self) -> bool:
        """Whether command, arguments or ids are set."""
        given = any(self.former.get(name) for name in ("command", "args", "run_as"))
        typed = self.is_bound and any(self.data.get(name) for name in ("command", "args", "run_as_user"))
        return given or typed or self._any("command", "args", "run_as_", "start_timeout")

    @property
    def password_kept(self) -> bool:
        """Whether a password is kept for the registry user."""
        return bool((self.former.get("secrets_set") or {}).get("password"))

    def _any(self, *starts: str) -> bool:
        return any(name.startswith(starts) for name in self.errors)

    def _typed(self, kind: Kind) -> bool:
        leads = (f"{kind.name}_{index}_{kind.lead}" for index in range(self.counts[kind.name]))
        return self.is_bound and any(self.data.get(lead) for lead in leads)

    def _kept(self, index: int) -> bool:
        there = self.former.get("variables") or []
        kept = (self.former.get("secrets_set") or {}).get("variables") or []
        return index < len(there) and there[index]["name"] in kept

    # --- What the action reads -------------------------------------------------------------------------------------

    def component(self) -> dict[str, Any]:
        """Give the component as the API takes it: empty fields are left out and get their defaults."""
        data = self.cleaned_data
        found: dict[str, Any] = {
            "name": data["name"],
            "kind": data["kind"],
            "image": {
                "reference": data["image_reference"].strip(),
                "from": data.get("image_from") or "registry",
                "user": data["image_user"] or None,
                "password": data["image_password"] or None,
            },
            "command": self._listed("command", self.former.get("command") or ()),
            "args": self._listed("args", self.former.get("args") or ()),
            "depends_on": data["depends_on"],
            "replicas": self._part("replicas", ("default", "min", "max", "step")),
            "resources": {side: self._part(f"resources_{side}", ("cpu", "memory")) for side in ("requests", "limits")},
            **{kind.name: self._entries(kind) for kind in KINDS},
            "probes": {name: probe for name, _label in PROBES if (probe := self._probe(name))},
        }
        if data.get("own_key"):
            found["key"] = data["own_key"]
        if data["run_as_user"]:
            found["run_as"] = self._part("run_as", ("user", "group"))
        if data["start_timeout"]:
            found["start_timeout"] = data["start_timeout"]
        return found

    def refuse(self, error: WaybillError) -> None:
        """Find the rows again: empty ones were left out of what was sent, and `/run_as` has two fields."""
        places = []
        for wrong in error.errors:
            pointer = self._own(wrong.pointer)
            head, _, rest = pointer.lstrip("/").partition("/")
            number, _, name = rest.partition("/")
            if head in self._rows and number.isdecimal() and int(number) < len(self._rows[head]):
                row = self._rows[head][int(number)]
                pointer = f"/{head}/{row}/{name or BY_NAME[head].lead}"
            pointer = ELSEWHERE.get(pointer, pointer)
            places.append(FieldError(pointer, wrong.code, wrong.params))
        error.errors = tuple(places)
        super().refuse(error)

    def _own(self, pointer: str) -> str:
        """Give a place of the whole application as one of this component, unless it is a sibling's."""
        start, _, rest = pointer.lstrip("/").partition("/")
        key, _, rest = rest.partition("/")
        return f"/{rest}" if start == "components" and rest and key not in self.siblings else pointer

    def _part(self, prefix: str, names: Sequence[str]) -> dict[str, Any]:
        given = {name: self.cleaned_data[f"{prefix}_{name}"] for name in names}
        return {name: value for name, value in given.items() if value not in (None, "")}

    def _listed(self, name: str, former: Sequence[str]) -> list[str]:
        """Give the lines of a field; as they were where nothing was typed, for a word may hold breaks and blanks."""
        value = unix(self.cleaned_data[name], None)
        if former and value == unix("\n".join(former), None):
            return list(former)
        return [line.strip() for line in value.split("\n") if line.strip()]

    def _entries(self, kind: Kind) -> list[dict[str, Any]]:
        used = self._rows[kind.name] = []
        found = []
        for index in range(self.counts[kind.name]):
            row = {name: self.cleaned_data.get(f"{kind.name}_{index}_{name}") for name in (*kind.fields, GONE)}
            if row.pop(GONE) or not is_used(kind, row):
                continue
            used.append(index)
            there = self.former.get(kind.name) or []
            found.append(entry_of(kind, row, there[index] if index < len(there) else {}))
        return found

    def _probe(self, name: str) -> dict[str, Any] | None:
        given = {part: self.cleaned_data.get(f"probes_{name}_{part}") for part in ("kind", "port", "path", *TIMES)}
        kind = given["kind"]
        if not kind:
            return None
        own = {"http": ("port", "path"), "tcp": ("port",), "command": ()}[kind]
        probe = {part: given[part] for part in ("kind", *own, *TIMES) if given[part] not in (None, "")}
        if kind == "command":
            former = (self.former.get("probes") or {}).get(name) or {}
            probe["command"] = self._listed(f"probes_{name}_command", former.get("command") or ())
        elif port := self._port_name(str(probe.get("port", ""))):
            probe["port"] = port
        return probe

    def _port_name(self, typed: str) -> str:
        """Give a port's name for what was typed: its name, its number, or nothing where there is only one."""
        ports = self._entries(BY_NAME["ports"])
        names = [port.get("name") or f"{(port.get('protocol') or 'TCP').lower()}-{port['number']}" for port in ports]
        if not typed and len(names) == 1:
            return names[0]
        by_number = {str(port["number"]): name for port, name in zip(ports, names, strict=True)}
        return by_number.get(typed, typed)

    def forget_secrets(self) -> None:
        """Take typed secret values out before the form is shown again: they never stand in a page."""
        data: Any = self.data.copy()  # type: ignore[attr-defined]  # a form that was sent has a QueryDict
        for index in range(self.counts["variables"]):
            place = f"variables_{index}"
            if data.get(f"{place}_secret") and data.get(f"{place}_value"):
                self.forgotten.append(data.get(f"{place}_name") or str(index + 1))
                data[f"{place}_value"] = ""
        if data.get("image_password"):
            self.forgotten.append(str(self.fields["image_password"].label))
        self.data = data


def initial_of(former: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields' values of a component's JSON; secret values are not in it."""
    image, run_as = former["image"], former.get("run_as") or {}
    found: dict[str, Any] = {name: former[name] for name in ("name", "kind", "depends_on", "start_timeout")}
    found |= {"image_reference": image["reference"], "image_user": image.get("user") or ""}
    found |= {"image_from": image.get("from") or "registry"}
    found |= {"command": "\n".join(former["command"]), "args": "\n".join(former["args"])}
    found |= {f"replicas_{name}": value for name, value in former["replicas"].items()}
    found |= {f"run_as_{name}": value for name, value in run_as.items()}
    for side, amounts in former["resources"].items():
        found |= {f"resources_{side}_{name}": value for name, value in amounts.items()}
    for kind in KINDS:
        for index, entry in enumerate(former.get(kind.name) or []):
            found |= {f"{kind.name}_{index}_{name}": value for name, value in shown_of(kind, entry).items()}
    for name, probe in (former.get("probes") or {}).items():
        found |= {f"probes_{name}_{part}": value for part, value in probe.items() if part != "command"}
        found[f"probes_{name}_command"] = "\n".join(probe.get("command") or [])
    return found


def _probe_fields(name: str) -> dict[str, forms.Field]:
    fields: dict[str, forms.Field] = {
        "kind": forms.ChoiceField(label=_("Asked how"), required=False, choices=PROBE_KINDS),
        "port": forms.CharField(label=_("Port (name or number)"), required=False, max_length=15),
        "path": forms.CharField(label=_("Page"), required=False, max_length=1024),
        "command": _lines(_("Command"), _("One word a line.")),
        "initial_delay": _number(_("First after, seconds"), 0, 3600),
        "period": _number(_("Every, seconds"), 1, 3600),
        "timeout": _number(_("Answer within, seconds"), 1, 600),
        "failures": _number(_("Misses in a row"), 1, 100),
    }
    return {f"probes_{name}_{part}": field for part, field in fields.items()}
