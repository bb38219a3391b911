"""Facts of digests and summaries, read from both databases by the same few queries for one user and for many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from mailroom.incidents.spec import IncidentKind, Level, Severity
from mailroom.setting_groups.telling import TellingSettings
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.database import Database, new_id
from mailroom.storage.model.upkeep.incidents import Incident
from mailroom.storage.tables import Delivery, Execution, Notification, Schedule, ScheduleKey, User
from mailroom.telling.digest import reading as digests
from mailroom.telling.digest.content import is_slow
from mailroom.telling.people import Person, who_may_be_told
from mailroom.telling.periods import Period, digest_period, summary_period
from mailroom.telling.spec import TellingKind
from mailroom.telling.summary import reading as summaries
from tests.integration.conftest import add_schedule
from tests.support.statements import recorded

NOW = datetime(2026, 11, 30, 9, 5, tzinfo=UTC)  # A Monday.
LATE = timedelta(minutes=30)
SETTINGS = TellingSettings()


def day() -> Period:
    found = digest_period("UTC", SETTINGS, now=NOW)
    assert found is not None
    return found


def week() -> Period:
    found = summary_period("UTC", SETTINGS, now=NOW)
    assert found is not None
    return found


def run(
    schedule: Schedule, due_at: datetime, status: ExecutionState = ExecutionState.SUCCESS, **columns: Any
) -> Execution:
    made = {"started_at": due_at, "completed_at": due_at + timedelta(minutes=2), "created_at": due_at, **columns}
    return Execution(id=new_id(), schedule_id=schedule.id, due_at=due_at, status=status, **made)


def delivery(execution: Execution, minutes: float, attempts: int = 1) -> Delivery:
    at = execution.due_at + timedelta(minutes=minutes)
    return Delivery(
        execution_id=execution.id, position=0, channel="email", connection="smtp", recipient=new_id(), key=new_id(),
        destination={}, status=DeliveryState.DELIVERED, attempts=attempts, delivered_at=at, created_at=at,
    )  # fmt: skip


def rendering(begins: datetime, seconds: float) -> dict[str, str]:
    return {"began_at": begins.isoformat(), "ended_at": (begins + timedelta(seconds=seconds)).isoformat()}


async def people(ledger: Database, kind: TellingKind = TellingKind.DAILY_DIGEST) -> list[Person]:
    async with ledger.session() as session:
        return await who_may_be_told(session, kind, with_schedules=kind is TellingKind.WEEKLY_SUMMARY)


async def store(ledger: Database, *rows: Any) -> None:
    async with ledger.session() as session:
        for row in rows:
            session.add(row)
            await session.flush()


async def test_a_digest_is_made_of_late_recovered_and_slow_runs_of_its_day(ledger: Database) -> None:
    schedule, began = await add_schedule(ledger), day().begin
    yesterday = began + timedelta(hours=1)
    late = run(schedule, yesterday, completed_at=yesterday + LATE)
    tried = run(schedule, yesterday + timedelta(hours=1))
    fine = run(schedule, yesterday + timedelta(hours=2))
    crashed = run(schedule, yesterday + timedelta(hours=3), crash_count=1)
    test = run(schedule, yesterday + timedelta(hours=4), kind=ExecutionKind.TEST)
    before = run(schedule, began - timedelta(hours=1))
    slow = run(schedule, yesterday + timedelta(hours=5), completed_at=yesterday + timedelta(hours=5, minutes=5))
    slow.rendering = rendering(slow.due_at, 200)
    usual = [
        run(schedule, began - timedelta(days=number), rendering=rendering(began - timedelta(days=number), 60))
        for number in range(1, 4)
    ]
    executions = [late, tried, fine, crashed, test, before, slow, *usual]
    sent = [delivery(late, 30), delivery(tried, 2, 3), delivery(fine, 29), delivery(crashed, 1), delivery(slow, 5)]
    await store(ledger, *executions, *sent, delivery(test, 2, 3), delivery(before, 2, 3))
    async with ledger.session() as session:
        facts = await digests.read(session, day(), await people(ledger), late=LATE)
    assert {one.execution_id: (one.attempts, one.setbacks) for one in facts.runs} == {
        late.id: (1, 0),
        tried.id: (3, 0),
        crashed.id: (1, 1),
    }
    (rendered,) = facts.renderings
    assert (rendered.execution_id, rendered.seconds, rendered.before) == (slow.id, 200, (60, 60, 60))
    assert is_slow(rendered)


async def test_a_digest_has_warnings_of_its_user_and_nothing_that_was_told_at_once(ledger: Database) -> None:
    schedule, at = await add_schedule(ledger), day().begin

    def notice(title: str, **columns: Any) -> Notification:
        values = {"user_id": schedule.user_id, "at": at, "severity": "warning", "body": "", **columns}
        return Notification(title=title, **values)

    def incident(owner: str | None, severity: Severity, opened: datetime = at) -> Incident:
        return Incident(
            kind=IncidentKind.CREDENTIAL_ENDING, subject=new_id(), severity=severity, values={}, owner_id=owner,
            opened_at=opened, last_seen_at=opened, level=Level.OWNER,
        )  # fmt: skip

    await store(
        ledger,
        notice("unsubscribed"),
        notice("old", at=at - timedelta(seconds=1)),
        notice("next", at=day().end),
        notice("an error", severity="error"),
        notice("a run failed", execution_id=new_id()),
        incident(schedule.user_id, Severity.WARNING),
        incident(None, Severity.WARNING),
        incident(None, Severity.ERROR),
        incident(None, Severity.WARNING, at - timedelta(seconds=1)),
    )
    async with ledger.session() as session:
        facts = await digests.read(session, day(), await people(ledger), late=LATE)
    assert [one.title for one in facts.notices] == ["unsubscribed"]
    assert sorted([one.user_id or "operators" for one in facts.warned]) == sorted([schedule.user_id, "operators"])


async def another(ledger: Database, first: Schedule, user_id: str, **columns: Any) -> Schedule:
    values = {name: getattr(first, name) for name in ("report_id", "schedule_config", "distribution_config")}
    values |= {"filter_config": {}, "policy_config": first.policy_config, "name": "Another", **columns}
    row = Schedule(id=new_id(), user_id=user_id, updated_at=NOW, **values)
    await store(ledger, row)
    return row


async def test_a_new_schedule_that_shares_something_is_told_to_the_owner_of_the_older_one(ledger: Database) -> None:
    mine = await add_schedule(ledger)
    newer = await another(ledger, mine, mine.user_id, created_at=day().begin)
    older = await another(ledger, mine, mine.user_id, created_at=day().begin - timedelta(seconds=1))
    await store(ledger, *(ScheduleKey(schedule_id=one.id, key="same") for one in (mine, newer, older)))
    async with ledger.session() as session:
        facts = await digests.read(session, day(), await people(ledger), late=LATE)
    assert {one.schedule_id for one in facts.doubled} == {mine.id, older.id}


async def test_a_summary_counts_the_runs_of_its_week(ledger: Database) -> None:
    schedule, began = await add_schedule(ledger), week().begin
    sent = run(schedule, began)
    failed = run(schedule, began + timedelta(days=1), ExecutionState.FAILED, reason="No answer.")
    rows = [
        *(sent, failed, run(schedule, began - timedelta(seconds=1)), run(schedule, week().end)),
        run(schedule, began + timedelta(days=2), ExecutionState.RUNNING),
        run(schedule, began + timedelta(days=3), kind=ExecutionKind.TEST),
    ]
    await store(ledger, *rows, delivery(sent, 1), delivery(sent, 1))
    async with ledger.session() as session:
        facts = await summaries.read(session, week(), await people(ledger, TellingKind.WEEKLY_SUMMARY))
    assert facts.runs[schedule.id] == {ExecutionState.SUCCESS: 1, ExecutionState.FAILED: 1}
    assert facts.deliveries == {schedule.id: 2}
    assert [(one.execution_id, one.reason) for one in facts.failed[schedule.user_id]] == [(failed.id, "No answer.")]
    assert [one.id for one in facts.schedules[schedule.user_id]] == [schedule.id]


async def test_samples_programs_and_whoever_wants_none_are_left_out(ledger: Database) -> None:
    schedule = await add_schedule(ledger, is_sample=True)
    await store(ledger, run(schedule, week().begin, ExecutionState.FAILED))
    assert await people(ledger, TellingKind.WEEKLY_SUMMARY) == []
    unwanted = {"alerts": {"daily_digest": {"mail": False}}}
    others: dict[str, dict[str, Any]] = {
        "program": {"is_service": True},
        "gone": {"is_active": False},
        "no": {"preferences": unwanted},
    }
    made = {"created_at": NOW, "updated_at": NOW}
    await store(ledger, *(User(email=f"{name}@example.com", **made, **values) for name, values in others.items()))
    assert [person.email for person in await people(ledger)] == ["owner@example.com"]
    async with ledger.session() as session:
        facts = await summaries.read(session, week(), await people(ledger))
    assert (facts.schedules, facts.failed) == ({}, {})


async def test_many_users_need_no_more_queries_than_one(ledger: Database) -> None:
    schedule = await add_schedule(ledger)
    one = await _statements(ledger)
    made = {"created_at": NOW, "updated_at": NOW}
    users = [User(id=new_id(), email=f"user{number}@example.com", **made) for number in range(30)]
    await store(ledger, *users)
    for user in users:
        row = await another(ledger, schedule, user.id, created_at=day().begin - timedelta(days=40))
        await store(ledger, run(row, week().begin, ExecutionState.FAILED))
    assert await _statements(ledger) == one


async def _statements(ledger: Database) -> int:
    everybody = await people(ledger)
    with recorded(ledger) as recorder:
        async with ledger.session() as session:
            await digests.read(session, day(), everybody, late=LATE)
            await summaries.read(session, week(), everybody)
    return recorder.statements
