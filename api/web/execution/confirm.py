"""Say what will happen before something leaves the house. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from api.actions.executions.views import DeliveryView, ExecutionDetail
from api.web import words
from api.web.execution.offers import retry_words
from api.web.parts import Field, FormFault
from api.web.when import When, zone_of
from mailroom.errors import Invalid
from mailroom.passes.correcting.ask import CorrectionRequest
from mailroom.schedules.spec import read_targets
from mailroom.states import DeliveryState
from prefect_mailroom.errors import MailroomError

MOST_NAMED = 20
"""So many recipients are named; of more, the rest is counted."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A page that asks before it does something.

    Attributes:
        action: where its form is sent to.
        lines: what will happen, in whole sentences.
        names: whom it reaches; `more` counts those that are not named.
        asks_why: whether the form asks what was wrong.
    """

    heading: str
    action: str
    button: str
    icon: str
    lines: tuple[str, ...]
    names: tuple[str, ...] = ()
    more: str = ""
    asks_why: bool = False


def retry(detail: ExecutionDetail, when: When) -> Confirmation:
    """Ask before another try."""
    left = [one for one in detail.deliveries if one.status is not DeliveryState.DELIVERED]
    lines = [retry_words(len(left), len(detail.deliveries))]
    if left and detail.artifacts:
        lines.append("They get the same files as the others.")
    lines.append("What was confirmed is never sent again.")
    names, more = _named(left)
    return Confirmation(
        heading=f"Retry {_of(detail, when)}?",
        action=f"/executions/{detail.id}/retry",
        button=f"Retry for {len(left)}" if left else "Retry",
        icon="rotate-cw",
        lines=tuple(lines),
        names=names,
        more=more,
    )


def correction(detail: ExecutionDetail, when: When) -> Confirmation:
    """Ask before a correction is sent."""
    got_it = [one for one in detail.deliveries if one.status in {DeliveryState.DELIVERED, DeliveryState.UNKNOWN}]
    names, more = _named(got_it)
    return Confirmation(
        heading=f"Send a correction of {_of(detail, when)}?",
        action=f"/executions/{detail.id}/correct",
        button=f"Send the correction to {len(got_it)}",
        icon="send",
        lines=(
            "The report is made again, with the data as they are now and for the same due time.",
            f"It goes, marked as a correction, to exactly those who got the wrong one: {len(got_it)}.",
        ),
        names=names,
        more=more,
        asks_why=True,
    )


def run(
    detail: ExecutionDetail, formats: Sequence[str], destinations: Sequence[Mapping[str, Any]], when: When
) -> Confirmation:
    """Ask before a due time that did not run is made good."""
    files = " and ".join(str(format_).upper() for format_ in formats)
    return Confirmation(
        heading=f"Run {_of(detail, when)} now?",
        action=f"/executions/{detail.id}/run",
        button="Run it now",
        icon="play",
        lines=(
            f"The {files} {'goes' if len(formats) == 1 else 'go'} to {reach(destinations)}.",
            "The report is made as of that due time, by the schedule as it is now.",
        ),
    )


def reach(destinations: Sequence[Mapping[str, Any]]) -> str:
    """Return whom destinations reach, such as "12 people and 1 folder"."""
    people: set[str] = set()
    others: dict[str, int] = {}
    try:
        targets = read_targets(destinations)
    except Invalid:
        return words.count(len(destinations), "destination")
    for target in targets:
        addresses = {address.casefold() for one in target.recipients() for address in target.reached_by(one)}
        if addresses:
            people |= addresses
        else:
            others[target.channel] = others.get(target.channel, 0) + len(target.recipients())
    parts = [words.count(len(people), "person", "people")] if people else []
    parts += [words.places(channel, number) for channel, number in others.items()]
    return _listed(parts)


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _of(detail: ExecutionDetail, when: When) -> str:
    zone = zone_of(detail.timezone)
    day = when.day(detail.due_at.astimezone(zone).date(), short=True)
    return f"{detail.schedule_name}, {day}, {when.time(detail.due_at, zone)}"


def _named(deliveries: Iterable[DeliveryView]) -> tuple[tuple[str, ...], str]:
    every = list(dict.fromkeys(one.recipient for one in deliveries))
    more = len(every) - MOST_NAMED
    return tuple(every[:MOST_NAMED]), f"and {more} more" if more > 0 else ""


def correction_of(reason: str) -> CorrectionRequest:
    """Return the correction that a form asks for.

    Raises:
        Invalid: the reason cannot be sent.
    """
    try:
        return CorrectionRequest(reason=reason or None)
    except ValidationError as error:
        raise Invalid.from_validation(error) from error


def reason_field(value: str, errors: tuple[str, ...]) -> Field:
    """Return the field that asks what was wrong."""
    return Field(
        "reason",
        "What was wrong?",
        "textarea",
        value,
        hint="A line that the recipients read, such as: The figures for France were missing.",
        errors=errors,
        optional=True,
        attributes={"maxlength": "500", "rows": "2"},
    )


def faults_of(error: MailroomError | None) -> tuple[FormFault, ...]:
    """Return why nothing was done."""
    if error is None:
        return ()
    if isinstance(error, Invalid):
        return tuple(
            FormFault("reason" if one.field == "reason" else "", f"{one.message} {one.remedy}".strip())
            for one in error.faults
        )
    # What programs are told to do is not for people.
    remedy = "" if "/api/" in error.remedy else error.remedy
    return (FormFault("", f"{error.message} {remedy}".strip()),)


def left_out(given: Sequence[Mapping[str, Any]]) -> str:
    """Return why a due time is not run again."""
    return str(given[0]["reason"]) if given else "The schedule was not due at that time."
