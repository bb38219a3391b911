"""Say what a bulk action will do, and what it did. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from api.actions.schedules.bulk import BulkAction, BulkOutcome
from api.actions.schedules.home.chosen import Asking
from api.actions.schedules.home.report import BulkReport, ReportItem
from api.web import forms, refusals, words
from api.web.parts import Field, FormFault, Option
from api.web.visitor import Visitor
from mailroom.errors import Fault
from mailroom.states import ScheduleState

_DONE: Mapping[BulkAction, tuple[str, str]] = {
    "pause": ("paused", "Nothing is sent until they are resumed."),
    "resume": ("active again", ""),
    "run": ("asked to run", "Each run shows how far it is."),
    "delete": ("deleted", "Nothing is sent for them any more."),
    "undelete": ("back as they were", ""),
    "reassign": ("in other hands", ""),
}
_HEADINGS: Mapping[BulkAction, str] = {
    "pause": "Pause",
    "resume": "Resume",
    "run": "Run now",
    "delete": "Delete",
    "undelete": "Undo the deletion",
    "reassign": "Reassign",
}


@dataclass(frozen=True, slots=True)
class Confirm:
    """The page that asks before a bulk action."""

    heading: str
    lines: tuple[str, ...]
    names: tuple[str, ...]
    more: str
    field: Field | None
    faults: tuple[FormFault, ...]
    button: str
    back: str


@dataclass(frozen=True, slots=True)
class Result:
    """The page that tells what a bulk action did."""

    heading: str
    lines: tuple[str, ...]
    failed: tuple[ReportItem, ...]
    done: tuple[ReportItem, ...]
    unchanged: tuple[ReportItem, ...]


@dataclass(frozen=True, slots=True)
class Undo:
    """Name what undoes a part of a bulk action: an action on some schedules; for `reassign`, to whom they go back."""

    action: str
    ids: tuple[str, ...]
    to: str = ""

    @staticmethod
    def of(what: str, back: Mapping[str, str], done: Iterable[ReportItem]) -> list[Undo]:
        """Return what undoes an action; schedules of several owners go back to each of them."""
        if what in back:
            ids = tuple(one.id for one in done)
            return [Undo(back[what], ids)] if ids else []
        owners: dict[str, list[str]] = {}
        for one in done:
            if one.owner_before:
                owners.setdefault(one.owner_before, []).append(one.id)
        return [Undo("reassign", tuple(ids), owner) for owner, ids in owners.items()]


def confirm(
    found: Asking,
    action: BulkAction,
    visitor: Visitor,
    owners: Sequence[tuple[str, str]],
    faults: Sequence[Fault],
    *,
    back: str,
) -> Confirm:
    """Return the page that asks: what it will do, to which schedules, and whom that reaches."""
    chosen = found.chosen
    count, active = chosen.count, chosen.states.get(ScheduleState.ACTIVE, 0)
    many = f"{visitor.when.number(count)} {'schedule' if count == 1 else 'schedules'}"
    more = f"and {visitor.when.number(count - len(found.names))} more" if count > len(found.names) else ""
    if action == "run":
        lines = [f"Run now: the reports go to {_reach(found)}."] if active else ["None of them is active."]
        if resting := count - active:
            lines.append(
                f"{words.count(resting, 'schedule')} {'is' if resting == 1 else 'are'} not active: nothing is sent for "
                f"{'it' if resting == 1 else 'them'}."
            )
        button = f"Run {words.count(active, 'schedule')} now"
        return Confirm(f"Run {many} now?", tuple(lines), found.names, more, None, (), button if active else "", back)
    errors = forms.by_field(faults).get("to", ())
    options = (Option("", "Choose a person"), *(Option(one, name) for one, name in owners))
    field = Field("to", "New owner", "select", "", options, errors=errors)
    lines = ["The new owner gets the alerts and can change them. Their history stays with them."]
    wrong = forms.summary(faults, ["to"])
    return Confirm(f"Who shall own {many}?", tuple(lines), found.names, more, field, wrong, "Reassign", back)


def _reach(found: Asking) -> str:
    people = sum(one.recipients for one in found.chosen.goes if one.channel == "email")
    places = sum(one.recipients for one in found.chosen.goes if one.channel != "email")
    said = [words.count(people, "mail address", "mail addresses")] if people else []
    said += [words.count(places, "other place")] if places else []
    return " and ".join(said) or "nobody"


def done_words(report: BulkReport) -> str:
    """Return what a bulk action did in a sentence or two."""
    said, then = _DONE[report.action]
    done, same = len(report.of(BulkOutcome.DONE)), len(report.of(BulkOutcome.UNCHANGED))
    parts = [f"{words.count(done, 'schedule')} {'is' if done == 1 else 'are'} {said}."] if done else []
    if done and then:
        parts.append(then if done > 1 else then.replace("they are", "it is").replace("them", "it"))
    if same:
        parts.append(f"{words.count(same, 'schedule')} stayed as {'it was' if same == 1 else 'they were'}.")
    return " ".join(parts)


def result(report: BulkReport) -> Result:
    """Return the page that tells what a bulk action did."""
    failed = tuple(one.model_copy(update={"why": refusals.for_pages(one.why)}) for one in report.of(BulkOutcome.FAILED))
    lines = [done_words(report)] if len(failed) < len(report.items) else []
    if failed:
        lines.append(f"{words.count(len(failed), 'schedule')} could not be changed:")
    if not report.items:
        lines.append("No schedule matched.")
    return Result(
        heading=f"{_HEADINGS[report.action]}: what was done",
        lines=tuple(lines),
        failed=failed,
        done=tuple(report.of(BulkOutcome.DONE)),
        unchanged=tuple(report.of(BulkOutcome.UNCHANGED)),
    )
