"""Lay out the way of a run in time: due, started, files made, each delivery, finished. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.actions.executions.views import DeliveryView, ExecutionDetail, RenderedFileView, RenderingView
from api.web import words
from api.web.parts import Moment, Tone
from api.web.when import When, duration, zone_of
from mailroom.executions.history.upload_words import of_bytes
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState

MOST_DELIVERIES = 6
"""So many deliveries are steps of their own; of more, the first and the last are told, and the table has the rest."""
_D, _E = DeliveryState, ExecutionState


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the way.

    Attributes:
        tone: of the mark before it; "off" for a step that is yet to come.
        at: when it was, to the second; None while it goes on, and where nobody wrote it down.
        second: what else is to be said of it.
        lines: its parts, such as the files that were made.
    """

    words: str
    tone: Tone
    at: Moment | None = None
    second: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clock:
    """Says times of one run: in the zone of its schedule, to the second, with the day where it is not the due day."""

    when: When
    zone: str
    due_at: datetime

    def at(self, moment: datetime | None) -> Moment | None:
        """Return a point in time as a part of a page; None for None."""
        return None if moment is None else Moment(self.when.moment(moment).iso, self.text(moment))

    def text(self, moment: datetime, *, seconds: bool = True) -> str:
        """Return a point in time in words."""
        zone = zone_of(self.zone)
        day, due_day = moment.astimezone(zone).date(), self.due_at.astimezone(zone).date()
        time = self.when.time(moment, zone, seconds=seconds)
        return time if day == due_day else f"{self.when.day(day, short=True)}, {time}"


def steps(detail: ExecutionDetail, clock: Clock) -> tuple[Step, ...]:
    """Return the steps of a run, those behind it, the one that goes on, and those to come."""
    return (
        *_begin(detail, clock),
        *_started(detail, clock),
        *_files(detail, clock),
        *_deliveries(detail, clock),
        *_end(detail, clock),
    )


def _begin(detail: ExecutionDetail, clock: Clock) -> Iterator[Step]:
    if detail.kind is not ExecutionKind.SCHEDULED:
        who = f" by {detail.requested_by}" if detail.requested_by else ""
        yield Step(f"Asked for{who}", "ok", clock.at(detail.requested_at))
        return
    future = detail.due_at > clock.when.now
    yield Step("Due", "off" if future else "ok", clock.at(detail.due_at))


def _started(detail: ExecutionDetail, clock: Clock) -> Iterator[Step]:
    if detail.took_seconds is None and detail.status.ended:
        return  # It never worked: how it ended says all.
    if detail.started_at is None:
        yield Step("Starts", "off", clock.at(detail.next_try_at))
        return
    since = detail.due_at if detail.kind is ExecutionKind.SCHEDULED else detail.requested_at or detail.due_at
    waited = (detail.started_at - since).total_seconds()
    late = f"{duration(waited)} later" if waited >= 1 else "at once"
    yield Step("Started", "ok", clock.at(detail.started_at), late)


def _files(detail: ExecutionDetail, clock: Clock) -> Iterator[Step]:
    record = detail.rendering
    if record is None:
        if detail.artifacts:
            yield Step("Files made", "ok", None, _named(detail))
        elif not detail.status.ended:
            yield _being_made(detail, None)
        return
    if record.failed:
        yield Step("The files could not be made", "bad", clock.at(record.ended_at), _length(record))
    elif record.ended_at is None and detail.status is _E.RUNNING:
        yield _being_made(detail, record)
    elif record.ended_at is None:
        yield Step("The files were not finished", "off", None, lines=_file_lines(record, clock))
    elif all(file.ready for file in record.files):
        yield Step("Files were ready", "ok", clock.at(record.ended_at), "made before, for another run")
    else:
        yield Step("Files made", "ok", clock.at(record.ended_at), _length(record), _file_lines(record, clock))


def _named(detail: ExecutionDetail) -> str:
    return ", ".join(dict.fromkeys(file.format.upper() for file in detail.artifacts))


def _length(record: RenderingView) -> str:
    return "" if record.ended_at is None else f"took {duration((record.ended_at - record.began_at).total_seconds())}"


def _being_made(detail: ExecutionDetail, record: RenderingView | None) -> Step:
    if detail.status is not _E.RUNNING:
        return Step("Files are made", "off")
    if record is None:
        return Step("Making the files", "run")
    if not record.taken_up:
        return Step("Making the files", "run", None, "waiting for a free renderer")
    rows = f"{record.rows:,} rows read so far" if record.rows else ""
    done = [file for file in record.files if file.ended_at or file.ready]
    under_way = [file for file in record.files if file.began_at and not file.ended_at]
    lines = (
        *(f"{file.format.upper()}: ready" for file in done),
        *(f"{file.format.upper()}: being written" for file in under_way),
    )
    return Step("Making the files", "run", None, rows, lines)


def _file_lines(record: RenderingView, clock: Clock) -> tuple[str, ...]:
    return tuple(_file_line(file, clock) for file in record.files)


def _file_line(file: RenderedFileView, clock: Clock) -> str:
    parts = [file.format.upper()]
    if file.rows is not None:
        parts.append(words.count(file.rows, "row"))
    if file.ready:
        parts.append("made before")
    elif file.began_at and file.ended_at:
        length = duration((file.ended_at - file.began_at).total_seconds())
        parts.append(f"{clock.text(file.began_at)}, took {length}")
    return " · ".join(parts)


def _deliveries(detail: ExecutionDetail, clock: Clock) -> Iterator[Step]:
    if not detail.deliveries:
        if not detail.status.ended:
            yield Step("Deliveries", "off")
        return
    done = sorted(filter(_ended_at, detail.deliveries), key=lambda one: _ended_at(one) or detail.due_at)
    if len(detail.deliveries) <= MOST_DELIVERIES:
        for one in done:
            chip = words.delivery_chip(one.status, again=one.next_attempt_at is not None)
            yield Step(f"{chip.words}: {one.recipient}", chip.tone, clock.at(_ended_at(one)))
    elif done:
        yield from _first_and_last(done, detail, clock)
    sending = [one for one in detail.deliveries if one.status is _D.SENDING]
    if sending:
        more = f" and {len(sending) - 3} more" if len(sending) > 3 else ""
        yield Step("Sending", "run", None, f"to {', '.join(map(_under_way, sending[:3]))}{more}")
    if not detail.status.ended and (waiting := sum(one.status is _D.PENDING for one in detail.deliveries)):
        yield Step(f"{words.count(waiting, 'delivery', 'deliveries')} to come", "off")


def _under_way(one: DeliveryView) -> str:
    """Return whom a delivery goes to, and of a large one how much of it has left."""
    if one.sent_bytes is None or not one.total_bytes:
        return one.recipient
    return f"{one.recipient} ({of_bytes(one.sent_bytes, one.total_bytes)})"


def _first_and_last(done: Sequence[DeliveryView], detail: ExecutionDetail, clock: Clock) -> Iterator[Step]:
    confirmed = [one for one in done if one.status is _D.DELIVERED]
    others = [one for one in done if one.status is not _D.DELIVERED]
    if confirmed:
        yield Step(f"First delivery: {confirmed[0].recipient}", "ok", clock.at(confirmed[0].delivered_at))
    if others:
        chips = {words.delivery_chip(one.status, again=one.next_attempt_at is not None).words for one in others}
        told = f"{words.count(len(others), 'delivery', 'deliveries')}: {', '.join(sorted(chips)).lower()}"
        yield Step(told, "bad", clock.at(_ended_at(others[-1])))
    if len(confirmed) > 1:
        told = f"{len(confirmed)} of {detail.total} delivered, the last to {confirmed[-1].recipient}"
        yield Step(told, "ok", clock.at(confirmed[-1].delivered_at))


def _ended_at(one: DeliveryView) -> datetime | None:
    """Return when the latest try of a delivery ended; None for one that was never tried, or is under way."""
    if one.status is _D.DELIVERED and one.delivered_at:
        return one.delivered_at
    return None if one.status is _D.SENDING else next((t.ended_at for t in reversed(one.attempts) if t.ended_at), None)


def _end(detail: ExecutionDetail, clock: Clock) -> Iterator[Step]:
    if detail.retry_requested_at is not None:
        yield Step("Another try was asked for", "wait", clock.at(detail.retry_requested_at), "it begins in a moment")
        return
    chip = words.execution_chip(detail.status, delivered=detail.delivered, total=detail.total)
    if detail.status.ended:
        took = f"{duration(detail.took_seconds)} after it started" if detail.took_seconds is not None else ""
        yield Step(chip.words, chip.tone, clock.at(detail.completed_at), took)
    elif detail.status is _E.RETRYING:
        yield Step("Trying again", "wait", clock.at(detail.next_try_at))
    else:
        yield Step("Finished", "off")
