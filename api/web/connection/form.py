"""Make the form of a connection from the JSON Schema of its kind, and read what it sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from api.actions.connections.views import ConnectionKind
from api.web import refusals, words
from api.web.connection.kind import about
from api.web.fields import read
from api.web.fields.build import FieldGroup, build
from api.web.fields.schema import SHOWN_SECRET, Schema, properties
from api.web.forms import Form, flat
from api.web.parts import Field, FormFault
from api.web.when import When
from mailroom.errors import Fault

SETTINGS = "settings"
RESERVED = frozenset({"new"})
"""Names whose pages have another use."""
_STARTS: Mapping[str, Mapping[str, Any]] = {
    # The library's own default is one provider's server.
    "email": {"credentials": {"smtp_server": "", "smtp_type": "587"}},
}
_NAME_HINT = "Lower-case letters, digits and hyphens, such as company-mail. It cannot be changed later."


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that was saved otherwise than it is in this window."""

    label: str
    here: str
    saved: str


@dataclass(frozen=True, slots=True)
class ConnectionForm:
    """The form of a connection.

    Attributes:
        name: None where it has its name already.
        etag: the version that it is based on.
        has_secrets: whether one is stored; `lost_secrets`: whether one was typed that has to be typed again.
        conflict: whether somebody else has saved it meanwhile; `differences`: what is otherwise there.
    """

    kind: str
    kind_words: str
    about: str
    name: Field | None
    description: Field
    settings: FieldGroup
    faults: tuple[FormFault, ...] = ()
    etag: str = ""
    has_secrets: bool = False
    lost_secrets: bool = False
    conflict: bool = False
    differences: tuple[Difference, ...] = ()


def form_of(
    kind: ConnectionKind,
    values: Mapping[str, Any] | None = None,
    *,
    when: When,
    name: str | None = None,
    description: str = "",
    faults: Sequence[Fault] = (),
    etag: str = "",
    secret_since: datetime | None = None,
    is_new: bool = False,
    lost_secrets: bool = False,
) -> ConnectionForm:
    """Return the form.

    Args:
        values: stored as they are shown, or as they were sent; None for the kind's own defaults.
        faults: by their places, such as `settings.host`.
    """
    given = _STARTS.get(kind.kind, {}) if values is None else values
    faults = [_placed(one, kind.settings.get("properties", {})) for one in faults]
    errors = _by_field(faults)
    set_on = when.day(secret_since.astimezone(when.zone).date()) if secret_since else ""
    settings = build(kind.settings, given, prefix=SETTINGS, errors=errors, secrets_set=set_on)
    name_field = None
    if is_new:
        attributes = {"maxlength": "100", "autocomplete": "off", "spellcheck": "false"}
        name_field = Field(
            "name", "Name", value=name or "", hint=_NAME_HINT, errors=errors.get("name", ()), attributes=attributes
        )
    described = Field(
        "description",
        "What it is for",
        value=description,
        errors=errors.get("description", ()),
        optional=True,
        attributes={"maxlength": "2000"},
    )
    drawn = {one.name: one.label for one in fields_in(settings)} | {"name": "Name", "description": "What it is for"}
    return ConnectionForm(
        kind=kind.kind,
        kind_words=words.kind_words(kind.kind),
        about=about(kind),
        name=name_field,
        description=described,
        settings=settings,
        faults=tuple(_summed(faults, drawn)),
        etag=etag,
        has_secrets=not is_new and _holds_secret(given),
        lost_secrets=lost_secrets,
    )


def sent(kind: ConnectionKind, form: Form, stored: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the settings that a form sent; a secret that was left empty stays as it is stored."""
    nested = form.nested().get(SETTINGS, {})
    return read.data(kind.settings, nested if isinstance(nested, Mapping) else {}, stored=stored)


def again(
    kind: ConnectionKind, settings: Mapping[str, Any], stored: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], bool]:
    """Return settings that were sent, to be shown again without secrets, and whether one has to be typed again."""
    shown, lost = _again(kind.settings, settings, stored or {}, kind.settings, "")
    return shown, lost


def _again(
    schema: Schema, sent: Mapping[str, Any], stored: Mapping[str, Any], root: Schema, at: str
) -> tuple[dict[str, Any], bool]:
    shown, lost = dict(sent), False
    for prop in properties(schema, root, at):
        given, kept = sent.get(prop.name), stored.get(prop.name)
        if prop.is_secret:
            # What was typed is in no page that is sent back.
            lost = lost or (bool(given) and given != kept)
            shown[prop.name] = kept
        elif prop.kind == "object" and isinstance(given, Mapping):
            place = f"{at}.{prop.name}" if at else prop.name
            within = kept if isinstance(kept, Mapping) else {}
            shown[prop.name], inner_lost = _again(prop.schema, given, within, root, place)
            lost = lost or inner_lost
    return shown, lost


def with_differences(form: ConnectionForm, saved: ConnectionForm) -> ConnectionForm:
    """Return the form with what was saved otherwise meanwhile; it is based on what is saved now."""
    there = {one.name: one for one in [*fields_in(saved.settings), saved.description]}
    found = [
        Difference(one.label, _shown(one), _shown(there[one.name]))
        for one in [form.description, *fields_in(form.settings)]
        if one.name in there and one.value != there[one.name].value
    ]
    return replace(form, conflict=True, differences=tuple(found), etag=saved.etag)


def fields_in(group: FieldGroup) -> list[Field]:
    """Return every field of a group, those of the groups inside of it too."""
    return [*group.fields, *(one for inner in group.groups for one in fields_in(inner))]


def _shown(field: Field) -> str:
    if field.control == "checkbox":
        return "yes" if field.value == "on" else "no"
    known = {one.value: one.label for one in field.options}
    value = field.value if isinstance(field.value, str) else ", ".join(field.value)
    return known.get(value, value) or "(empty)"


def _holds_secret(values: Any) -> bool:
    if values == SHOWN_SECRET:
        return True
    if isinstance(values, Mapping):
        return any(_holds_secret(one) for one in values.values())
    return isinstance(values, list) and any(_holds_secret(one) for one in values)


def _placed(fault: Fault, known: Mapping[str, Any]) -> Fault:
    """Return a fault at the setting that its message begins with, as of a rule about several settings it does."""
    name, mark, rest = fault.message.partition(": ")
    if not mark or name not in known or fault.field not in {SETTINGS, f"{SETTINGS}.{name}"}:
        return fault
    return replace(fault, field=f"{SETTINGS}.{name}", message=rest)


def _by_field(faults: Sequence[Fault]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for fault in faults:
        name = flat(fault.field)
        found[name] = (*found.get(name, ()), refusals.of_fault(fault).sentence)
    return found


def _summed(faults: Sequence[Fault], labels: Mapping[str, str]) -> list[FormFault]:
    summed = []
    for fault in faults:
        target = flat(fault.field)
        while target and target not in labels:
            target = target.rpartition("-")[0]
        words = refusals.of_fault(fault).sentence
        summed.append(FormFault(target, f"{labels[target]}: {words}" if target else words))
    return summed
