"""Judge due times beside what the ledger says and what the inbox has: none missed, none doubled, none late. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.peak.backends import Backend
from tests.support.rolling.inbox import Mail

_QUERY = """
SELECT s.id, e.due_at, e.status, e.pass_count,
  (SELECT count(*) FROM deliveries d WHERE d.execution_id = e.id AND d.status = 'delivered'),
  (SELECT count(*) FROM deliveries d JOIN attempts a ON a.delivery_id = d.id WHERE d.execution_id = e.id)
FROM export_schedules s JOIN schedule_executions e ON e.schedule_id = s.id
WHERE e.kind = 'scheduled'
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One occurrence, as the ledger has it."""

    schedule: str
    due: datetime
    status: str
    passes: int
    delivered: int
    attempts: int


def read(backend: Backend) -> list[Line]:
    """Read every occurrence."""
    return [Line(one, due.astimezone(UTC), *rest) for one, due, *rest in backend.rows(_QUERY)]


@dataclass(frozen=True, slots=True)
class Expected:
    """A schedule with its one recipient, and every time at which it was due."""

    schedule: str
    recipient: str
    due: Sequence[datetime]


def faults(
    expected: Sequence[Expected], lines: Sequence[Line], taken: Mapping[Mail, Sequence[float]], *, late_s: float
) -> list[str]:
    """Return a sentence for each promise that was broken."""
    found = [*_ledger(expected, lines), *_mails(expected, taken)]
    for (recipient, due), late in lateness(taken).items():
        if late > late_s:
            found.append(f"{recipient} had the report of {due:%H:%M} {late:.0f} s late.")
    return found


def lateness(taken: Mapping[Mail, Sequence[float]]) -> dict[Mail, float]:
    """Return for each mail the seconds from its due time until it came first."""
    return {mail: min(moments) - mail[1].timestamp() for mail, moments in taken.items()}


def _ledger(expected: Sequence[Expected], lines: Sequence[Line]) -> Iterator[str]:
    wanted = {(one.schedule, due): one for one in expected for due in one.due}
    there = {(line.schedule, line.due): line for line in lines}
    for (schedule, due), one in wanted.items():
        line = there.get((schedule, due))
        if line is None:
            yield f"The ledger lacks {one.recipient} at {due:%H:%M}."
        elif (line.status, line.delivered) != ("success", 1):
            yield f"{one.recipient} at {due:%H:%M} is {line.status} with {line.delivered} delivered."
    names = {one.schedule: one.recipient for one in expected}
    for schedule, due in sorted(there.keys() - wanted.keys()):
        yield f"The ledger has {names.get(schedule, schedule)} at {due:%H:%M}, when it was not due."


def _mails(expected: Sequence[Expected], taken: Mapping[Mail, Sequence[float]]) -> Iterator[str]:
    wanted = {(one.recipient, due) for one in expected for due in one.due}
    for recipient, due in sorted(wanted | taken.keys()):
        count = len(taken.get((recipient, due), ()))
        if count != ((recipient, due) in wanted):
            yield f"{recipient} got {count} mails of {due:%H:%M}."
