"""Say how each part is, by the checks that `mailroom doctor` makes as well. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.web import words
from api.web.parts import Chip, Moment
from api.web.refusals import for_pages
from api.web.when import When
from mailroom.watching.checks.spec import Check, CheckName, State

PARTS = {
    CheckName.DATABASE: "Database",
    CheckName.PREFECT: "Prefect",
    CheckName.CLOCK: "Clock of Prefect",
    CheckName.SCHEDULER: "Scheduler",
    CheckName.WORKER: "Workers",
    CheckName.QUEUE: "Queue",
    CheckName.DISK: "Disk",
    CheckName.MAIL: "Mail",
    CheckName.SENDING: "Sending",
    CheckName.BACKGROUND: "Background work",
    CheckName.HOST_CLOCKS: "Clocks of the hosts",
    CheckName.ARTIFACTS: "Rendered files",
}
_FINE = {CheckName.DATABASE: "It answers ({}).", CheckName.PREFECT: "It answers, with version {}."}
"""The sentences around what these checks say in a word when all is well."""
_OPERATOR = "Whoever runs Mailroom has to look at it; its own check on that machine says what to do."


@dataclass(frozen=True, slots=True)
class Part:
    """A part: how it is, what was found, what to do, and since when it is so."""

    name: str
    chip: Chip
    told: str
    remedy: str
    detail: str
    since: Moment | None


def parts_of(checks: Sequence[Check], when: When) -> tuple[Part, ...]:
    """Return the parts in the order of their checks."""
    return tuple(_part(check, when) for check in checks)


def _part(check: Check, when: When) -> Part:
    told = _FINE[check.name].format(check.message) if check.state is State.OK and check.name in _FINE else ""
    told = told or for_pages(check.message) or "It needs the care of whoever runs Mailroom."
    asks = check.state in (State.WARNING, State.PROBLEM) and check.remedy
    return Part(
        name=PARTS[check.name],
        chip=words.CHECKS[check.state],
        told=told[:1].upper() + told[1:],
        remedy=for_pages(check.remedy) or (_OPERATOR if asks else ""),
        detail=for_pages(check.detail),
        since=when.moment(check.since, short=True, relative=True) if check.since else None,
    )
