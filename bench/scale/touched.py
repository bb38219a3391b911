"""Tell how much later the reports came that a killed process had in hand, apart from how fast all of them come.

Where more is due than the machine delivers in a minute, a report waits for its turn, and that is no kill's doing. So
what counts is the time in hand: from the first claim of its run by a worker, not before it was due, to the mail
server's receipt. A kill touches what is in hand at that moment: of the killed worker, or anywhere where what all need
was killed. Of a host that was lost, it is what its worker has in hand.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from bench.scale.going_on import Kill
from bench.scale.options import HOSTS
from bench.scale.stack.whole import Whole
from prefect_mailroom.worker.claim_words import claim_of

_OF_WORKERS = ("worker", "child", *HOSTS)
_RECIPIENTS = """SELECT s.id, d.recipient FROM export_schedules s
    JOIN schedule_executions e ON e.schedule_id = s.id JOIN deliveries d ON d.execution_id = e.id
    WHERE s.name LIKE '{prefix} %'"""
# By the schedule, since a run that was lost may have been replaced by another one.
_CLAIMS = """SELECT f.parameters ->> 'schedule_id', extract(epoch FROM s.timestamp)::float8, coalesce(s.message, '')
    FROM flow_run_state s JOIN flow_run f ON f.id = s.flow_run_id
    WHERE s.type = 'PENDING' AND s.timestamp > to_timestamp(%s) ORDER BY s.timestamp"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A run was claimed at a moment, by the worker whose claim has this message."""

    at: float
    message: str


def read(whole: Whole, prefix: str, due: float) -> dict[str, list[Claim]]:
    """Return the claims of each recipient's runs, the first in front."""
    recipients = {str(id_): str(to) for id_, to in whole.backend.rows(_RECIPIENTS.format(prefix=prefix))}
    found: dict[str, list[Claim]] = {}
    with psycopg.connect(whole.places.database("prefect")) as connection:
        for schedule, at, message in connection.execute(_CLAIMS, (due - 60,)):
            if (to := recipients.get(str(schedule))) is not None:
                found.setdefault(to, []).append(Claim(at, message))
    return found


def lateness(
    claims: Mapping[str, Sequence[Claim]], at: Mapping[str, float], kills: Sequence[Kill], due: float
) -> dict[str, Any]:
    """Return by how many seconds the latest report that each kill touched was longer in hand than an untouched one.

    Pure. What was delivered before its claim was seen, or never, does not count here; it is in other figures.
    """
    hand = {to: (max(due, its[0].at), at[to]) for to, its in claims.items() if to in at and at[to] >= its[0].at}
    touched = {
        kill.kind: [to for to, (begin, end) in hand.items() if begin <= kill.at < end and _holds(kill, claims[to])]
        for kill in kills
    }
    any_kill = {to for those in touched.values() for to in those}
    usual = [end - begin for to, (begin, end) in hand.items() if to not in any_kill]
    median = statistics.median(usual) if usual else 0.0
    longest = {kind: max((hand[to][1] - hand[to][0] for to in those), default=None) for kind, those in touched.items()}
    return {
        "in_hand_p50_s": round(median, 1) if usual else None,
        "touched_by_kill": {kind: len(those) for kind, those in touched.items()},
        "late_by_kill_s": {
            kind: None if seconds is None else round(max(0.0, seconds - median), 1) for kind, seconds in longest.items()
        },
    }


def _holds(kill: Kill, claims: Sequence[Claim]) -> bool:
    if kill.kind not in _OF_WORKERS:
        return True
    return [claim.message for claim in claims if claim.at <= kill.at][-1:] == [claim_of(kill.name)]
