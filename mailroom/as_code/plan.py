"""Decide what is to be done so that what is there becomes what the documents say. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from mailroom.as_code.known_keys import nearest
from mailroom.as_code.normal import Normal, differences
from mailroom.as_code.reading import Read
from mailroom.as_code.spec import ORDER, Kind, ReportDocument, ScheduleDocument
from mailroom.errors import Fault

Key = tuple[Kind, str]
Differences = Mapping[str, tuple[Any, Any]]


class Outcome(StrEnum):
    """The outcome of a document; in a dry run, the one that it would have.

    adopted: the object was there, and belongs to the bundle from now on. deleted: it was pruned.
    """

    CREATED = "created"
    CHANGED = "changed"
    ADOPTED = "adopted"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Mark:
    """Hold what is known of an object that was applied from code."""

    bundle: str
    kind: Kind
    name: str
    entity_id: str
    source: str = ""
    digest: str = ""
    missing_secrets: tuple[str, ...] = ()
    applied_by: str = ""
    applied_at: datetime | None = None

    @property
    def key(self) -> Key:
        """Return the identity of the object in the code."""
        return self.kind, self.name


@dataclass(frozen=True, slots=True)
class Observed:
    """An object as it is there.

    Attributes:
        normal: its `spec`, see `mailroom.as_code.normal`.
        owner: the mail address of the owner of a schedule.
        state: `active` or `paused`, or what else a schedule is.
        etag: its version, so that nobody's change in between is overwritten.
        digest: what it is now, to be compared with that of its mark.
        changed_secrets: the places of secrets that are sent and differ from the stored ones.
        mark: what is known of it, if it comes from code.
    """

    kind: Kind
    entity_id: str
    normal: Normal
    etag: str
    digest: str
    owner: str | None = None
    owner_id: str | None = None
    state: str | None = None
    changed_secrets: tuple[str, ...] = ()
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The work for one document, or for an object that is pruned; nothing where `faults` say why not.

    `differences` has before and after of each part; `by_hand` says that the object was changed since it was applied.
    """

    outcome: Outcome
    kind: Kind | None
    name: str
    read: Read | None = None
    observed: Observed | None = None
    differences: Differences = field(default_factory=dict)
    by_hand: bool = False
    faults: Sequence[Fault] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Say how documents are to be applied.

    Attributes:
        adopt: whether they may take over what others have made.
        taken: what belongs to the bundle, and is not shown to the caller.
    """

    bundle: str
    adopt: bool = False
    taken: Collection[Key] = ()


Refusal = Callable[[Outcome, Kind, Observed | None], Fault | None]
"""Return why the caller may not do this, or None; asked for each change."""


def digest(normal: Normal, owner: str | None = None) -> str:
    """Return the digest of an object as it is."""
    return hashlib.sha256(orjson.dumps([normal, owner], option=orjson.OPT_SORT_KEYS)).hexdigest()


def plan(
    documents: Sequence[Read],
    observed: Mapping[Key, Observed],
    known: Collection[Key],
    wanted: Wanted,
    refusal: Refusal,
) -> list[Change]:
    """Return what to do for each document, in the order in which it is to be done.

    Args:
        known: everything that documents may refer to besides each other.
    """
    there = {*known, *(one.key for one in documents if one.document is not None)}
    ordered = sorted(documents, key=lambda one: (ORDER.index(one.kind) if one.kind else len(ORDER), one.index))
    return [_change(one, observed, there, wanted, refusal) for one in ordered]


def _change(
    read: Read, observed: Mapping[Key, Observed], there: Collection[Key], wanted: Wanted, refusal: Refusal
) -> Change:
    if read.document is None:
        return Change(Outcome.FAILED, read.kind, read.name, read, faults=read.faults)
    kind, name = read.key
    found = observed.get(read.key)
    what, differ, by_hand, faults = _what(read, found, wanted)
    faults = [*faults, *_missing(read, there)]
    if not faults and what is not Outcome.UNCHANGED and (refused := refusal(what, kind, found)):
        faults = [refused]
    if faults:
        return Change(Outcome.FAILED, kind, name, read, found, differ, by_hand, faults)
    return Change(what, kind, name, read, found, differ, by_hand)


def _what(read: Read, found: Observed | None, wanted: Wanted) -> tuple[Outcome, Differences, bool, list[Fault]]:
    kind, name = read.key
    if read.key in wanted.taken:
        message = f"The {kind} '{name}' of the bundle '{wanted.bundle}' belongs to somebody else."
        remedy = "Choose another name, or a bundle of your own with --bundle (`bundle`)."
        return Outcome.FAILED, {}, False, [Fault("name", message, remedy, code="of_somebody_else")]
    if found is None:
        return Outcome.CREATED, {}, False, []
    differ = _differences(read, found)
    mark = found.mark
    if mark is not None and mark.bundle == wanted.bundle:
        by_hand = found.digest != mark.digest
        return (Outcome.CHANGED if differ else Outcome.UNCHANGED), differ, by_hand, []
    if wanted.adopt or (mark is None and not differ):
        return Outcome.ADOPTED, differ, False, []
    if mark is not None:
        message = f"The {kind} '{name}' belongs to the bundle '{mark.bundle}'{_from(mark)}."
        remedy = "Choose another name, or take it over with --adopt (`adopt`)."
        return Outcome.FAILED, differ, False, [Fault("name", message, remedy, code="other_bundle")]
    message = f"There is a {kind} '{name}' already that does not come from code, and differs."
    remedy = "Look at the difference, then take it over with --adopt (`adopt`), or choose another name."
    return Outcome.FAILED, differ, False, [Fault("name", message, remedy, code="not_from_code")]


def _from(mark: Mark) -> str:
    return f", from {mark.source}" if mark.source else ""


def _differences(read: Read, found: Observed) -> Differences:
    differ = dict(differences(found.normal, read.normal, "spec"))
    for place in found.changed_secrets:
        differ[f"spec.settings.{place}"] = ("(secret)", "(another secret)")
    if isinstance(read.document, ScheduleDocument):
        for name, before, after in (
            ("owner", found.owner, read.document.owner),
            ("state", found.state, read.document.state),
        ):
            if after is not None and not _same(name, before, after):
                differ[name] = (before, after)
    return differ


def _same(name: str, before: str | None, after: str) -> bool:
    if name == "owner":
        return (before or "").lower() == after.lower()
    # A finished schedule has nothing left that could be active or paused.
    return before in (after, "finished")


def references(read: Read) -> dict[str, Key]:
    """Return what a document refers to, by the place where it does."""
    match read.document:
        case ReportDocument() as report:
            return {"spec.source.connection": (Kind.CONNECTION, report.spec.source.connection)}
        case ScheduleDocument() as schedule:
            found: dict[str, Key] = {"spec.report_id": (Kind.REPORT, schedule.spec.report_id)}
            if schedule.spec.timing.calendar is not None:
                found["spec.timing.calendar"] = (Kind.CALENDAR, schedule.spec.timing.calendar)
            for index, target in enumerate(schedule.spec.targets()):
                found[f"spec.destinations.{index}.connection"] = (Kind.CONNECTION, target.connection)
                if store := target.links_connection():
                    found[f"spec.destinations.{index}.links_from"] = (Kind.CONNECTION, store)
            return found
    return {}


def _missing(read: Read, there: Collection[Key]) -> list[Fault]:
    faults = []
    for place, (kind, name) in references(read).items():
        if (kind, name) not in there:
            message = f"There is no {kind} '{name}', neither in these documents nor in Mailroom."
            others = sorted(other for of, other in there if of is kind)
            remedy = nearest(name, others) if others else f"Add a document of the {kind}."
            faults.append(Fault(place, message, remedy, code=f"no_{kind}"))
    return faults
