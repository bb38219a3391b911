"""The checker of the troubled hour flags whatever breaks a promise, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bench.troubled.checker import Verdict, check
from bench.troubled.evidence import Acceptance, AttemptRow, DeliveryRow, ExecutionRow, Ledger, Posted

POSTED_AT = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
DUE = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TIMING = {"frequency": "daily", "at": "09:00", "timezone": "Europe/Berlin"}


class Evidence:
    """A run in which `ada` got her mail at once and `bob` is refused; tests change it."""

    def __init__(self) -> None:
        self.posted = [Posted("s", TIMING, ("ada", "bob"), POSTED_AT)]
        self.executions = [ExecutionRow("e", "s", "scheduled", DUE, "partial")]
        self.deliveries = [DeliveryRow("a", "e", "ada", "delivered"), DeliveryRow("b", "e", "bob", "refused")]
        self.attempts = [
            AttemptRow("a", 1, DUE + 2 * SECOND, DUE + 4 * SECOND, "delivered"),
            AttemptRow("b", 1, DUE + 2 * SECOND, DUE + 4 * SECOND, "refused"),
        ]
        self.accepted = [Acceptance(DUE + 3 * SECOND, "ada", "<1>", cut=False)]

    def verdict(self) -> Verdict:
        ledger = Ledger(self.executions, self.deliveries, self.attempts)
        return check(self.posted, ledger, self.accepted, {"bob"}, DUE + timedelta(hours=1))

    def second_try(self, *, first: str, cut: bool) -> None:
        """Let the first attempt end so, and a second one deliver ten seconds later."""
        self.attempts[0] = replace(self.attempts[0], outcome=first)
        self.attempts.append(AttemptRow("a", 2, DUE + 12 * SECOND, DUE + 14 * SECOND, "delivered"))
        self.accepted[0] = replace(self.accepted[0], cut=cut)
        self.accepted.append(Acceptance(DUE + 13 * SECOND, "ada", "<1>", cut=False))


@pytest.fixture
def evidence() -> Evidence:
    """Return a run without a fault."""
    return Evidence()


def test_a_run_without_a_fault_is_good(evidence: Evidence) -> None:
    assert evidence.verdict() == Verdict(schedules=1, deliveries=2, delivered=1, refused=1)
    assert evidence.verdict().good


def test_a_missing_mail_is_flagged(evidence: Evidence) -> None:
    """The ledger says that it was delivered, but the far side never had it."""
    evidence.accepted.clear()
    verdict = evidence.verdict()
    assert (verdict.delivered, verdict.failed, verdict.good) == (0, 1, False)


def test_a_mail_that_the_ledger_has_not_confirmed_is_flagged(evidence: Evidence) -> None:
    evidence.deliveries[0] = replace(evidence.deliveries[0], status="failed")
    verdict = evidence.verdict()
    assert (verdict.delivered, verdict.failed, verdict.good) == (0, 1, False)


@pytest.mark.parametrize("state", ["skipped", "missed", "failed"])
def test_what_was_skipped_or_missed_counts_against_success(evidence: Evidence, state: str) -> None:
    evidence.executions[0] = replace(evidence.executions[0], status=state)
    evidence.deliveries.clear()
    evidence.attempts.clear()
    evidence.accepted.clear()
    verdict = evidence.verdict()
    assert (verdict.deliveries, verdict.delivered, verdict.failed, verdict.good) == (2, 0, 2, False)


def test_a_refusal_that_nobody_scripted_is_a_failure(evidence: Evidence) -> None:
    evidence.deliveries[0] = replace(evidence.deliveries[0], status="refused")
    evidence.accepted.clear()
    verdict = evidence.verdict()
    assert (verdict.refused, verdict.failed, verdict.good) == (1, 1, False)


def test_a_due_time_without_an_execution_is_flagged(evidence: Evidence) -> None:
    evidence.posted.append(Posted("t", TIMING, ("cyd",), POSTED_AT))
    verdict = evidence.verdict()
    assert (verdict.deliveries, verdict.failed, verdict.good) == (3, 1, False)


def test_an_execution_at_another_time_is_flagged(evidence: Evidence) -> None:
    """A minute late is another time."""
    evidence.executions[0] = replace(evidence.executions[0], due_at=DUE + timedelta(minutes=1))
    verdict = evidence.verdict()
    assert (verdict.failed, verdict.good) == (2, False)
    assert any("when nothing was due" in fault for fault in verdict.faults)


def test_an_occurrence_with_two_executions_is_flagged(evidence: Evidence) -> None:
    evidence.executions.append(replace(evidence.executions[0], id="f", kind="run_now"))
    assert not evidence.verdict().good


@pytest.mark.parametrize("state", ["pending", "running", "retrying"])
def test_an_execution_in_between_is_flagged(evidence: Evidence, state: str) -> None:
    evidence.executions[0] = replace(evidence.executions[0], status=state)
    verdict = evidence.verdict()
    assert (verdict.left_in_between, verdict.good) == (1, False)


@pytest.mark.parametrize("state", ["pending", "sending", "unknown"])
def test_a_delivery_in_between_is_flagged(evidence: Evidence, state: str) -> None:
    evidence.deliveries[1] = replace(evidence.deliveries[1], status=state)
    verdict = evidence.verdict()
    assert (verdict.left_in_between, verdict.failed, verdict.good) == (1, 1, False)


def test_a_delivery_that_still_waits_for_a_try_is_flagged(evidence: Evidence) -> None:
    evidence.deliveries[1] = replace(evidence.deliveries[1], next_attempt_at=DUE)
    assert evidence.verdict().left_in_between == 1


def test_an_attempt_without_an_end_is_flagged(evidence: Evidence) -> None:
    evidence.attempts[0] = replace(evidence.attempts[0], ended_at=None)
    verdict = evidence.verdict()
    assert (verdict.left_in_between, verdict.good) == (1, False)


def test_a_repeat_after_confirmation_is_flagged(evidence: Evidence) -> None:
    evidence.second_try(first="delivered", cut=False)
    verdict = evidence.verdict()
    assert (verdict.repeated_after_confirmation, verdict.second_copies_after_lost_acknowledgement) == (1, 0)
    assert not verdict.good


@pytest.mark.parametrize(("later", "repeated"), [(0.2, 0), (0.3, 1)])
def test_a_copy_that_the_clocks_alone_put_after_its_confirmation_is_no_repeat(
    evidence: Evidence, later: float, repeated: int
) -> None:
    evidence.second_try(first="unknown", cut=True)
    evidence.accepted[1] = replace(evidence.accepted[1], at=DUE + 14 * SECOND + later * SECOND)
    assert evidence.verdict().repeated_after_confirmation == repeated


def test_a_confirmation_counts_also_where_the_server_says_that_its_answer_was_lost(evidence: Evidence) -> None:
    evidence.second_try(first="delivered", cut=True)
    assert evidence.verdict().repeated_after_confirmation == 1


def test_a_second_copy_after_a_cut_is_counted(evidence: Evidence) -> None:
    evidence.second_try(first="unknown", cut=True)
    verdict = evidence.verdict()
    assert (verdict.second_copies_after_lost_acknowledgement, verdict.good) == (1, True)


def test_a_second_copy_after_an_attempt_that_ended_unknown_is_counted(evidence: Evidence) -> None:
    """The server's answer left, but its reader was gone."""
    evidence.second_try(first="unknown", cut=False)
    verdict = evidence.verdict()
    assert (verdict.second_copies_after_lost_acknowledgement, verdict.good) == (1, True)


def test_a_receipt_that_came_after_the_next_attempt_had_begun_was_lost_until_then(evidence: Evidence) -> None:
    """The process stood still between the mail and its receipt."""
    evidence.second_try(first="delivered", cut=False)
    evidence.attempts[0] = replace(evidence.attempts[0], ended_at=DUE + 90 * SECOND)
    verdict = evidence.verdict()
    assert (verdict.second_copies_after_lost_acknowledgement, verdict.good) == (1, True)


def test_a_second_copy_for_no_reason_is_flagged(evidence: Evidence) -> None:
    evidence.second_try(first="failed", cut=False)
    verdict = evidence.verdict()
    assert (verdict.second_copies_after_lost_acknowledgement, verdict.good) == (0, False)


def test_a_second_copy_with_another_message_id_is_flagged(evidence: Evidence) -> None:
    evidence.second_try(first="unknown", cut=True)
    evidence.accepted[1] = replace(evidence.accepted[1], message_id="<2>")
    verdict = evidence.verdict()
    assert (verdict.second_copies_after_lost_acknowledgement, verdict.good) == (0, False)


def test_a_mail_that_nobody_asked_for_is_flagged(evidence: Evidence) -> None:
    evidence.accepted.append(Acceptance(DUE, "eve", "<9>", cut=False))
    assert not evidence.verdict().good


def test_a_mail_to_somebody_who_was_refused_is_flagged(evidence: Evidence) -> None:
    evidence.accepted.append(Acceptance(DUE, "bob", "<9>", cut=False))
    verdict = evidence.verdict()
    assert (verdict.refused, verdict.good) == (0, False)
