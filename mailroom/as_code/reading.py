"""Read one document: check all that can be seen in it alone, and name every fault by its place. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from mailroom.as_code import normal
from mailroom.as_code.known_keys import nearest, suggestion
from mailroom.as_code.schema import kind_schema
from mailroom.as_code.secrets import places as secret_places
from mailroom.as_code.spec import MODELS, VERSION, ConnectionDocument, Document, Kind, ScheduleDocument
from mailroom.connections.kinds import kinds
from mailroom.errors import Fault, Invalid, fault_from
from mailroom.schedules.spec import in_zone


@dataclass(frozen=True, slots=True)
class Read:
    """One document as it was read: `document` and its normal form, or the faults that keep it from being used.

    `index` is its place in the request. `kind` and `name` are told as far as they could be read.
    """

    index: int
    kind: Kind | None
    name: str
    document: Document | None = None
    normal: normal.Normal = field(default_factory=dict)
    faults: Sequence[Fault] = ()

    @property
    def key(self) -> tuple[Kind, str]:
        """Return the identity of a document without faults."""
        assert self.kind is not None, "only a document without faults is asked for it"
        return self.kind, self.name


def read(index: int, data: Mapping[str, Any], *, timezone: str) -> Read:
    """Read a document; `timezone` is the one of a timing that names none."""
    name = data.get("name")
    shown = name[:200] if isinstance(name, str) else ""
    if (version := data.get("apiVersion")) != VERSION:
        told = "is missing" if version is None else f"is '{str(version)[:40]}', which this version does not read"
        return Read(index, None, shown, faults=[Fault("apiVersion", f"'apiVersion' {told}.", f"Write {VERSION}.")])
    word = data.get("kind")
    if word not in set(Kind):
        message = "'kind' is missing." if word is None else f"'{str(word)[:40]}' is not a kind of document."
        remedy = nearest(str(word or "").lower(), [str(one) for one in Kind])
        return Read(index, None, shown, faults=[Fault("kind", message, remedy, code="unknown_kind")])
    kind = Kind(word)
    inline = _inline(kind, data)
    if inline:
        # Nothing else is told of it: other messages could repeat the value.
        return Read(index, kind, shown, faults=inline)
    try:
        document = MODELS[kind].model_validate(_in_zone(kind, data, timezone))
        faults = _faults_within(document)
    except ValidationError as error:
        found = [fault_from(detail, model=MODELS[kind]) for detail in error.errors(include_input=False)]
        return Read(index, kind, shown, faults=_with_suggestions(kind, found))
    if faults:
        return Read(index, kind, shown, faults=_with_suggestions(kind, faults))
    return Read(index, kind, document.name, document, normal.of_document(document))


def _in_zone(kind: Kind, data: Mapping[str, Any], timezone: str) -> dict[str, Any]:
    spec = data.get("spec")
    if kind is Kind.SCHEDULE and isinstance(spec, dict):
        return {**data, "spec": in_zone(spec, timezone)}
    return dict(data)


def _inline(kind: Kind, data: Mapping[str, Any]) -> list[Fault]:
    spec = data.get("spec")
    if kind is not Kind.CONNECTION or not isinstance(spec, Mapping):
        return []
    settings, of = spec.get("settings"), spec.get("kind")
    if not isinstance(settings, Mapping) or not isinstance(of, str):
        return []
    if of not in kinds():
        message = f"'{of[:40]}' is not a kind of connection."
        return [Fault("spec.kind", message, nearest(of, kinds()), code="unknown_kind")]
    try:
        return secret_places.inline(of, settings)
    except Invalid as error:  # Its client is not installed here.
        return [replace(fault, field=f"spec.{fault.field}") for fault in error.faults]


def _faults_within(document: Document) -> list[Fault]:
    """Return what a look into the destinations of a schedule or the settings of a connection finds."""
    if isinstance(document, ScheduleDocument):
        try:
            document.spec.targets()
        except Invalid as error:
            return [replace(fault, field=f"spec.{fault.field}") for fault in error.faults]
    if isinstance(document, ConnectionDocument):
        return _unknown_settings(document)
    return []


def _unknown_settings(document: ConnectionDocument) -> list[Fault]:
    known = kind_schema(Kind.CONNECTION)["$defs"][f"Settings-{document.spec.kind}"]["properties"]
    return [
        Fault(f"spec.settings.{name[:60]}", "This setting does not exist.", nearest(name, sorted(known)))
        for name in document.spec.settings
        if name not in known
    ]


def _with_suggestions(kind: Kind, faults: Sequence[Fault]) -> list[Fault]:
    schema = kind_schema(kind)
    return [
        replace(fault, remedy=suggestion(schema, _path(fault.field))) if fault.code == "extra_forbidden" else fault
        for fault in faults
    ]


def _path(place: str) -> list[str | int]:
    return [int(part) if part.isdecimal() else part for part in place.split(".")]


def repeated(documents: Sequence[Read]) -> list[Read]:
    """Return the documents with a fault at each one whose kind and name another one before it has."""
    first: dict[tuple[Kind, str], int] = {}
    found = []
    for one in documents:
        if one.document is not None and (before := first.setdefault(one.key, one.index)) != one.index:
            message = f"Another document is the {one.kind} '{one.name}' already (the {before + 1}. of these)."
            fault = Fault("name", message, "Choose another name, or remove one of them.", code="repeated")
            found.append(Read(one.index, one.kind, one.name, faults=[fault]))
        else:
            found.append(one)
    return found
