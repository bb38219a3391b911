"""The promises of DESIGN.md as things that must hold: after each step, and once everything has come to rest."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from prefect.client.orchestration import PrefectClient

from deployments.sync.desired import desired
from deployments.sync.diff import diff
from deployments.sync.observed import read
from deployments.sync.stray_finder import claimed_schedule
from mailroom.access.viewer import SYSTEM
from mailroom.executions.reasons import ReasonCode
from mailroom.ledger.figures import figures
from mailroom.schedules import repository as stored
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState, ScheduleState, SyncState
from tests.integration.promises.environment import SimulatedEnvironment
from tests.integration.promises.snapshot import ExecutionRow, ScheduleRow, Snapshot
from tests.integration.promises.story import Library

_FOR_GOOD = (ExecutionState.SUCCESS, ExecutionState.SKIPPED, ExecutionState.MISSED)
_ENDS = {*_FOR_GOOD, ExecutionState.PARTIAL, ExecutionState.FAILED}


def promise_1_one_row_for_what_was_due(snapshot: Snapshot, library: Library) -> None:
    """At any time: at most one row a due time, and none for a time that was not due.

    A run that Prefect still has while the schedule is paused leaves a row that says so: the gate was closed.
    """
    rows = _scheduled(snapshot)
    counted = Counter((row.schedule_id, row.due_at) for row in rows)
    assert max(counted.values(), default=1) == 1, f"Two rows for one due time: {counted.most_common(1)}."
    due = {schedule_id: story.may() for schedule_id, story in library}
    for row in rows:
        shut = row.status is ExecutionState.SKIPPED and row.reason_code == ReasonCode.SCHEDULE_NOT_ACTIVE
        assert shut or row.due_at in due[row.schedule_id], f"In the ledger, and was not due: {row}."


def promise_1_what_ended_stays_with_its_reason(before: Snapshot, now: Snapshot) -> None:
    """No row vanishes; success, skipped and missed are final; every end says why."""
    for key, row in before.executions.items():
        assert key in now.executions, f"An execution vanished: {row}."
        after = now.executions[key]
        assert row.status not in _FOR_GOOD or after.status is row.status, f"It had ended as {row.status}: {after}."
    for row in now.executions.values():
        assert (row.reason and row.reason_code) or not row.status.ended, f"It ended without a reason: {row}."


def promise_2_a_confirmed_delivery_stays_so(before: Snapshot, now: Snapshot) -> None:
    """What the far side confirmed is never taken back."""
    for key, row in before.deliveries.items():
        if row.status is DeliveryState.DELIVERED:
            assert now.deliveries[key].status is DeliveryState.DELIVERED, f"It was delivered: {now.deliveries[key]}."


def promise_2_success_means_that_all_are_confirmed(snapshot: Snapshot) -> None:
    """No execution says success while one of its deliveries is not confirmed, nor failed when all are."""
    states: dict[str, set[DeliveryState]] = {}
    for delivery in snapshot.deliveries.values():
        states.setdefault(delivery.execution_id, set()).add(delivery.status)
    for key, row in snapshot.executions.items():
        if row.status is ExecutionState.SUCCESS:
            assert states.get(key) == {DeliveryState.DELIVERED}, f"{row} has deliveries {states.get(key)}."


def promise_5_versions_go_forward(before: Snapshot, now: Snapshot) -> None:
    """A saved change is never forgotten: its generation stays, and `synced` is said of that one alone."""
    for key, row in before.schedules.items():
        assert now.schedules[key].generation >= row.generation, f"Its generation went down: {now.schedules[key]}."
    for row in now.schedules.values():
        assert row.sync is not SyncState.SYNCED or row.observed == row.generation, f"Not synced: {row}."


def promise_5_a_pause_in_prefect_is_adopted(
    environment: SimulatedEnvironment, before: ScheduleRow, after: ScheduleRow
) -> None:
    """A schedule that fired is paused as somebody paused it in Prefect, and the audit trail names Prefect."""
    if before.state is ScheduleState.ACTIVE:
        assert after.state is ScheduleState.PAUSED, f"A pause in Prefect was not adopted: {after}."
        assert environment.audited(before.id, "paused", by="prefect-ui"), f"Nobody knows who paused {after}."


def nothing_but(before: Snapshot, now: Snapshot, *, grew: set[str] = frozenset()) -> None:  # type: ignore[assignment]  # empty
    """A refused request leaves nothing behind."""
    changed = {name for name in now.counts if now.counts[name] != before.counts.get(name)} - grew
    assert not changed, f"A refused request left rows in {changed}."
    assert now.schedules == before.schedules, "A refused request changed a schedule."


def promise_1_every_due_time_ended(snapshot: Snapshot, library: Library, *, until: datetime) -> None:
    """At rest: exactly one row for every due time, and each has ended."""
    for schedule_id, story in library:
        there = {row.due_at: row for row in _scheduled(snapshot) if row.schedule_id == schedule_id}
        if missing := sorted(story.must(until) - set(there)):
            raise AssertionError(f"Due, and not in the ledger: {missing}, of {snapshot.schedules[schedule_id]}.")
    for row in snapshot.executions.values():
        if row.due_at <= until:
            assert row.status.ended, f"It never ended: {row}."
            if row.kind is ExecutionKind.SCHEDULED and row.status not in _ENDS:
                assert row.status is ExecutionState.CANCELLED, f"It ended as {row.status}: {row}."


async def promise_1_the_proof_says_so(environment: SimulatedEnvironment, *, until: datetime) -> None:
    """`mailroom account` finds nothing that is unaccounted for."""
    async with environment.database.session() as session:
        found = await figures(session, viewer=SYSTEM, since=until - timedelta(days=400), until=until)
    assert found.unaccounted == 0, f"The proof misses {found.missing}."


def promise_4_what_was_shown_is_what_fired(snapshot: Snapshot, library: Library, *, until: datetime) -> None:
    """At rest: for a time in which a schedule was active unchanged, the ledger has what its preview showed, no more."""
    for schedule_id, story in library:
        there = {row.due_at for row in _scheduled(snapshot) if row.schedule_id == schedule_id}
        for one in story.chapters:
            end = min(one.end, until)
            shown = one.foreseen(end)
            if shown is not None and one.reached == one.end:
                # Where the clock was set back, the time of another chapter is in there too.
                others = {moment for other in story.chapters if other is not one for moment in other.may()}
                fired = {moment for moment in there if one.start < moment <= end} - (others - set(shown))
                expected = {moment for moment in shown if moment > one.start}
                assert fired == expected, f"Shown {sorted(expected)}, fired {sorted(fired)}."


async def promise_5_prefect_shows_what_is_wanted(environment: SimulatedEnvironment, client: PrefectClient) -> None:
    """At rest: no difference is left, everything is synced, and another look does nothing."""
    environment.writes.clear()
    assert await environment.reconciler.run_pass() == 0, "Something still waits to be written to Prefect."
    assert await environment.reconciler.repair(seconds=60) == 0, "Another look finds something to repair."
    assert not environment.writes, f"Nothing was to be done, and this was: {environment.writes}."
    ids = list(environment.snapshot.schedules)
    there = await read(client, [one.name for one in environment.server.deployments.values()])
    async with environment.database.session() as session:
        for row in await stored.by_ids(session, ids):
            action = diff(desired(row, environment.settings), there.pop(row.id, None))
            assert action is None, f"Schedule {row.id} is out of step: {action}."
            assert row.sync_state is SyncState.SYNCED, f"Schedule {row.id} is {row.sync_state}: {row.sync_error}"
    assert not {name for name, one in there.items() if claimed_schedule(one)}, f"Deployments of nobody: {there}."


def _scheduled(snapshot: Snapshot) -> list[ExecutionRow]:
    return [row for row in snapshot.executions.values() if row.kind is ExecutionKind.SCHEDULED]
