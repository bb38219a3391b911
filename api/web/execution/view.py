"""Make the page of a run from what the action answers. Pure: the present and the rights are passed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.actions.artifacts.views import ArtifactView
from api.actions.executions.views import ExecutionDetail
from api.web import words
from api.web.execution.deliveries import DestinationGroup, groups_of
from api.web.execution.offers import Rights, may_correct, may_retry, may_run_it, retry_words
from api.web.execution.outcome import Concern, concern, outcome
from api.web.execution.reasons import Explained, explained
from api.web.execution.timeline import Clock, Step, steps
from api.web.parts import Chip, Link, SummaryRow
from api.web.when import When, size, zone_of
from mailroom.states import ExecutionState

_E = ExecutionState
_LIVELY = timedelta(seconds=60)
"""For so long after somebody asked, or after it began, the page looks every second: somebody waits for a receipt."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file that was made; `href` is empty where it cannot be fetched (any more)."""

    name: str
    format: str
    size: str
    rows: str
    sha256: str
    expires: str
    href: str


@dataclass(frozen=True, slots=True)
class RunPage:
    """The page of a run.

    Attributes:
        said: what a change of state announces, once.
        every: the pace of the live part, such as "1s".
        retry, run_it, correct: where the buttons lead; empty for what is not offered.
        retry_words: names how many it reaches, and whom it does not touch.
        no_retry: why another try, which there would be something left for, is not possible now.
    """

    id: str
    heading: str
    for_you: str
    chip: Chip
    sample: Chip | None
    kind: str
    outcome: str
    said: str
    every: str
    schedule: Link
    concern: Concern | None
    steps: tuple[Step, ...]
    groups: tuple[DestinationGroup, ...]
    files: tuple[FileRow, ...]
    files_note: str
    facts: tuple[SummaryRow, ...]
    links: tuple[Link, ...]
    retry: str = ""
    retry_words: str = ""
    no_retry: str = ""
    run_it: str = ""
    correct: str = ""


def page_of(detail: ExecutionDetail, when: When, rights: Rights, *, no_retry: str = "") -> RunPage:
    """Return the page of a run.

    Args:
        no_retry: why another try would be refused, if it would be; it is told instead of being offered.
    """
    clock = Clock(when, detail.timezone, detail.due_at)
    why = reason_of(detail, clock)
    due = when.moment(detail.due_at, detail.timezone)
    zone = zone_of(detail.timezone)
    told = f"{when.day(detail.due_at.astimezone(zone).date())} {when.time(detail.due_at, zone)}"
    chip = chip_of(detail, clock)
    here = f"/executions/{detail.id}"
    left = len(detail.deliveries) - detail.delivered
    retriable = rights.retry and may_retry(detail)
    download = rights.download and not detail.is_sample  # Of a sample nothing was rendered.
    files = tuple(_file(file, when, detail.id, download=download) for file in detail.artifacts)
    return RunPage(
        id=detail.id,
        heading=f"{detail.report_title or detail.schedule_name}, {told}",
        for_you=due.for_you,
        chip=chip,
        sample=words.SAMPLE if detail.is_sample else None,
        kind=words.KINDS[detail.kind],
        outcome=outcome(detail, clock),
        said=f"{chip.words}.",
        every=pace(detail, when.now),
        schedule=Link(f"/schedules/{detail.schedule_id}", detail.schedule_name),
        concern=concern(detail, why, clock),
        steps=steps(detail, clock),
        groups=groups_of(detail.deliveries, clock),
        files=files,
        files_note=_files_note(detail.artifacts, when),
        facts=_facts(detail),
        links=_links(detail, rights),
        retry=f"{here}/retry" if retriable and not no_retry else "",
        retry_words=retry_words(left, len(detail.deliveries)),
        no_retry=no_retry if retriable else "",
        run_it=f"{here}/run" if rights.run and may_run_it(detail) else "",
        correct=f"{here}/correct" if rights.correct and may_correct(detail) else "",
    )


def reason_of(detail: ExecutionDetail, clock: Clock) -> Explained:
    """Return the reason of a run's state in words."""
    return explained(detail.reason_code, detail.reason_values, detail.reason, lambda at: clock.text(at, seconds=False))


def chip_of(detail: ExecutionDetail, clock: Clock) -> Chip:
    """Return the chip of a run."""
    again = detail.next_try_at
    again_at = clock.text(again, seconds=False) if again and again > clock.when.now else ""
    return words.execution_chip(detail.status, delivered=detail.delivered, total=detail.total, again_at=again_at)


def pace(detail: ExecutionDetail, now: datetime) -> str:
    """Return how often the live part looks: every second at first, since somebody may wait for a receipt."""
    goes_on = not detail.status.ended or detail.retry_requested_at is not None
    if not goes_on:
        return "60s"
    beginnings = [detail.requested_at, detail.due_at, detail.started_at, detail.retry_requested_at]
    if any(one is not None and timedelta() <= now - one < _LIVELY for one in beginnings):
        return "1s"
    if detail.status is _E.RUNNING or detail.retry_requested_at is not None:
        return "5s"
    soon = detail.next_try_at or detail.due_at
    return "5s" if soon - now < _LIVELY else "15s"


def _file(file: ArtifactView, when: When, execution_id: str, *, download: bool) -> FileRow:
    there, day = file.expires_at > when.now, when.day(file.expires_at.astimezone(when.zone).date(), short=True)
    return FileRow(
        name=file.filename,
        format=file.format.upper(),
        size=size(file.size),
        rows=when.number(file.rows) if file.rows is not None else "",
        sha256=file.sha256,
        expires=f"{'expires' if there else 'expired'} {day}",
        href=f"/executions/{execution_id}/files/{file.id}" if there and download else "",
    )


def _files_note(files: Sequence[ArtifactView], when: When) -> str:
    """Return that the files are gone, once all are."""
    if not files or any(file.expires_at > when.now for file in files):
        return ""
    last = max(file.expires_at for file in files).astimezone(when.zone)
    return f"The files expired on {when.day(last.date()).partition(' ')[2]}; the record stays."


def _facts(detail: ExecutionDetail) -> tuple[SummaryRow, ...]:
    rows = []
    if detail.test_recipient:
        rows.append(SummaryRow("Sent to", (f"{detail.test_recipient} alone, marked as a test",)))
    if detail.requested_by:
        rows.append(SummaryRow("Asked for by", (detail.requested_by,)))
    if detail.correction_reason:
        rows.append(SummaryRow("What was wrong", (detail.correction_reason,)))
    return tuple(rows)


def _links(detail: ExecutionDetail, rights: Rights) -> tuple[Link, ...]:
    links = []
    if detail.corrects:
        links.append(Link(f"/executions/{detail.corrects}", "The run that this one corrects", icon="history"))
    if detail.corrected_by:
        links.append(Link(f"/executions/{detail.corrected_by}", "Its correction", icon="history"))
    if rights.prefect and "prefect" in detail.links:
        links.append(Link(detail.links["prefect"], "Open in Prefect", icon="external-link"))
    return tuple(links)
