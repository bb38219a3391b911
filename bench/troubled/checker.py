"""Judge a run from outside: by due times of an oracle of its own, the ledger's rows, and the far side's journal. Pure.

Missed, failed and skipped count against success. Only refusals that the scenario scripted are set aside.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from bench.troubled.evidence import Acceptance, AttemptRow, DeliveryRow, ExecutionRow, Ledger, Posted
from bench.troubled.oracle import due_times
from bench.troubled.script import ends_when_refused
from mailroom.storage.hosts.clock import PRECISE

_OPEN_EXECUTIONS = {"pending", "running", "retrying"}
_OPEN_DELIVERIES = {"pending", "sending", "unknown"}
_CLOCKS = timedelta(seconds=PRECISE / 2)
"""By how much the ledger's times, which are the database's, may differ from those of the far side's journal."""


@dataclass
class Verdict:
    """The figures of a run, and a sentence for each fault.

    Attributes:
        deliveries: how many mails were due, by the oracle; `delivered`, `refused` and `failed` add up to it.
        failed: mails that are not with their recipient, or not confirmed in the ledger, for whatever reason.
        left_in_between: rows of executions, deliveries and attempts that are in no end state.
        repeated_after_confirmation: mails that the far side took again after the ledger had confirmed an attempt.
        second_copies_after_lost_acknowledgement: further copies that are explained and have the same Message-ID.
    """

    schedules: int = 0
    deliveries: int = 0
    delivered: int = 0
    refused: int = 0
    failed: int = 0
    left_in_between: int = 0
    repeated_after_confirmation: int = 0
    second_copies_after_lost_acknowledgement: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Tell whether every promise was kept."""
        return not self.faults


def check(
    posted: Sequence[Posted],
    ledger: Ledger,
    accepted: Sequence[Acceptance],
    scripted_refusals: Collection[str],
    until: datetime,
) -> Verdict:
    """Judge what became of everything that was due up to `until`. Each recipient belongs to one schedule."""
    verdict = Verdict(schedules=len(posted))
    occurrences: dict[tuple[str, datetime], list[ExecutionRow]] = defaultdict(list)
    for execution in ledger.executions:
        occurrences[execution.schedule_id, execution.due_at].append(execution)
    mails = _Mails(ledger, accepted)
    for one in posted:
        for due in due_times(one.timing, one.at, until):
            _check_occurrence(verdict, one, due, occurrences.pop((one.schedule_id, due), []), mails, scripted_refusals)
    for (schedule_id, due), rows in occurrences.items():
        verdict.faults.append(f"Schedule {schedule_id} has {len(rows)} executions at {due}, when nothing was due.")
    _check_ends(verdict, ledger)
    known = {recipient for one in posted for recipient in one.recipients}
    verdict.faults += [
        f"{mail.recipient} got a mail that nobody asked for." for mail in accepted if mail.recipient not in known
    ]
    return verdict


class _Mails:
    """Finds deliveries, attempts and acceptances."""

    def __init__(self, ledger: Ledger, accepted: Sequence[Acceptance]) -> None:
        self.deliveries: Mapping[tuple[str, str], DeliveryRow] = {
            (row.execution_id, row.recipient): row for row in ledger.deliveries
        }
        self.attempts: dict[str, list[AttemptRow]] = defaultdict(list)
        for attempt in sorted(ledger.attempts, key=lambda row: row.number):
            self.attempts[attempt.delivery_id].append(attempt)
        self.copies: dict[str, list[Acceptance]] = defaultdict(list)
        for mail in sorted(accepted, key=lambda mail: mail.at):
            self.copies[mail.recipient].append(mail)


def _check_occurrence(
    verdict: Verdict,
    one: Posted,
    due: datetime,
    rows: Sequence[ExecutionRow],
    mails: _Mails,
    scripted_refusals: Collection[str],
) -> None:
    verdict.deliveries += len(one.recipients)
    if len(rows) != 1 or rows[0].kind != "scheduled":
        kinds = [row.kind for row in rows]
        verdict.faults.append(
            f"Schedule {one.schedule_id} has the executions {kinds} at {due}; one scheduled is wanted."
        )
    for recipient in one.recipients:
        delivery = next((mails.deliveries.get((row.id, recipient)) for row in rows), None)
        copies = mails.copies[recipient]
        if (
            recipient in scripted_refusals
            and delivery
            and delivery.status == ends_when_refused(recipient)
            and not copies
        ):
            verdict.refused += 1
            continue
        if not (delivery and delivery.status == "delivered" and copies):
            verdict.failed += 1
            state = delivery.status if delivery else "unknown to the ledger"
            why = ", ".join(f"{row.status}: {row.reason}" for row in rows) or "no execution"
            verdict.faults.append(f"{recipient} got {len(copies)} mails; the delivery is {state} ({why}).")
        else:
            verdict.delivered += 1
        if copies:
            _check_copies(verdict, recipient, copies, mails.attempts[delivery.id] if delivery else [])


def _check_copies(
    verdict: Verdict, recipient: str, copies: Sequence[Acceptance], attempts: Sequence[AttemptRow]
) -> None:
    confirmed = min((row.ended_at for row in attempts if row.outcome == "delivered" and row.ended_at), default=None)
    for before, copy in pairwise(copies):
        if confirmed and copy.at > confirmed + _CLOCKS:
            verdict.repeated_after_confirmation += 1
            verdict.faults.append(f"{recipient} got a mail at {copy.at}; it was confirmed at {confirmed}.")
        elif copy.message_id != before.message_id:
            verdict.faults.append(f"{recipient} got a second copy with another Message-ID, {copy.message_id}.")
        elif not (before.cut or _was_unknown(before, copy, attempts)):
            verdict.faults.append(f"{recipient} got a second copy at {copy.at}, though no acknowledgement was lost.")
        else:
            verdict.second_copies_after_lost_acknowledgement += 1


def _was_unknown(before: Acceptance, copy: Acceptance, attempts: Sequence[AttemptRow]) -> bool:
    """Tell whether the ledger did not know of the copy before when the next attempt began.

    Its attempt ended unknown; or its receipt came only after the next one had begun, from a process that had stood
    still meanwhile.
    """
    for row, following in pairwise(attempts):
        sent_before = row.started_at <= before.at + _CLOCKS and following.started_at <= copy.at + _CLOCKS
        if sent_before and (row.outcome == "unknown" or row.ended_at is None or row.ended_at > following.started_at):
            return True
    return False


def _check_ends(verdict: Verdict, ledger: Ledger) -> None:
    """Count the rows that are in no end state."""
    left = [f"Execution {row.id} is {row.status}." for row in ledger.executions if row.status in _OPEN_EXECUTIONS]
    left += [
        f"The delivery to {row.recipient} is {row.status}."
        for row in ledger.deliveries
        if row.status in _OPEN_DELIVERIES or row.next_attempt_at
    ]
    left += [
        f"Attempt {row.number} of delivery {row.delivery_id} never ended."
        for row in ledger.attempts
        if not row.ended_at
    ]
    verdict.left_in_between = len(left)
    verdict.faults += left
