"""Read what the ledger says of the schedules that were due, and judge it beside what the mail server took."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.peak.backends import Backend

_QUERY = """
SELECT d.recipient, e.status, d.status, coalesce(a.tries, 0), coalesce(a.unknown, 0)
FROM export_schedules s
JOIN schedule_executions e ON e.schedule_id = s.id
LEFT JOIN deliveries d ON d.execution_id = e.id
LEFT JOIN (
  SELECT delivery_id, count(*) AS tries, count(*) FILTER (WHERE outcome IS NULL OR outcome = 'unknown') AS unknown
  FROM attempts GROUP BY delivery_id
) a ON a.delivery_id = d.id
WHERE s.name LIKE '{prefix} %'
"""
ENDED = ("success", "partial", "failed", "cancelled", "skipped", "missed")


@dataclass(frozen=True, slots=True)
class Line:
    """One delivery, as the ledger has it; `unknown` counts the attempts of which nobody knows what became of them."""

    recipient: str | None
    execution: str
    delivery: str | None
    attempts: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result of a peak.

    Attributes:
        delivered: recipients who have the mail and whose delivery is confirmed in the ledger.
        twice: mails that somebody got again.
        twice_after_unknown: those of them behind which a killed process left an attempt with an unknown end.
        missing: recipients without the mail.
        unconfirmed: recipients who have it, though the ledger does not say so.
    """

    delivered: int
    twice: int
    twice_after_unknown: int
    missing: tuple[str, ...]
    unconfirmed: tuple[str, ...]

    @property
    def faults(self) -> list[str]:
        """Return a sentence for each promise that was broken."""
        found = []
        if self.missing:
            found.append(f"{len(self.missing)} recipients got no mail, the first is {self.missing[0]}.")
        if self.unconfirmed:
            found.append(f"{len(self.unconfirmed)} mails are not confirmed in the ledger: {self.unconfirmed[0]} first.")
        if again := self.twice - self.twice_after_unknown:
            found.append(f"{again} mails came again though no attempt of theirs had an unknown end.")
        return found


def read(backend: Backend, prefix: str) -> list[Line]:
    """Read the ledger."""
    rows = backend.rows(_QUERY.format(prefix=prefix))
    return [Line(to, execution, delivery, tries, unknown) for to, execution, delivery, tries, unknown in rows]


def ended(backend: Backend, prefix: str) -> int:
    """Count the executions of the due schedules that have ended."""
    states = ", ".join(f"'{state}'" for state in ENDED)
    query = f"""SELECT count(*) FROM schedule_executions e JOIN export_schedules s ON s.id = e.schedule_id
        WHERE s.name LIKE '{prefix} %' AND e.status IN ({states})"""
    return backend.count(query)


def judge(wanted: Sequence[str], taken: Mapping[str, int], lines: Sequence[Line]) -> Judgement:
    """Judge by recipient: `wanted` are all of them, `taken` says how many mails each got. Pure."""
    confirmed = {line.recipient for line in lines if line.delivery == "delivered"}
    unknown: dict[str | None, int] = {}
    for line in lines:
        unknown[line.recipient] = unknown.get(line.recipient, 0) + line.unknown
    again = {one: taken.get(one, 0) - 1 for one in wanted if taken.get(one, 0) > 1}
    return Judgement(
        delivered=sum(1 for one in wanted if taken.get(one) and one in confirmed),
        twice=sum(again.values()),
        twice_after_unknown=sum(min(count, unknown.get(one, 0)) for one, count in again.items()),
        missing=tuple(one for one in wanted if not taken.get(one)),
        unconfirmed=tuple(one for one in wanted if taken.get(one) and one not in confirmed),
    )


def lateness(at: Mapping[str, float], wanted: Sequence[str], due: float) -> dict[str, Any]:
    """Return p50, p95 and the longest of the seconds from due to the mail server's receipt. Pure."""
    late = sorted(at[one] - due for one in wanted if one in at)
    if len(late) < 2:
        return {"p50_s": None, "p95_s": None, "latest_s": None}
    cuts = statistics.quantiles(late, n=20, method="inclusive")
    return {"p50_s": round(cuts[9], 1), "p95_s": round(cuts[18], 1), "latest_s": round(late[-1], 1)}


def cores_for(cpu: Mapping[str, float], deliveries: int, seconds: float = 60) -> float:
    """Return how many cores deliver so many within that time, by the CPU seconds that one costs in each kind. Pure."""
    return round(sum(cpu.values()) * deliveries / seconds, 1)
