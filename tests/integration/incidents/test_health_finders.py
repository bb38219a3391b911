"""The finders of what Mailroom works with, over signs in both databases: what they find, keep and let go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.heartbeats import repository as heartbeats
from mailroom.heartbeats.spec import UPKEEP, WORKERS, WRITER, Beat
from mailroom.incidents.finders.parts import credentials, disk, loops, prefect, queue, worker
from mailroom.incidents.spec import IncidentKind, Level, Severity, Trouble
from mailroom.settings import Settings
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.database import Database
from mailroom.storage.model.access import ApiKey
from mailroom.storage.model.audit import SecretAge
from mailroom.storage.model.upkeep.incidents import Incident
from mailroom.storage.tables import Execution, Schedule, User
from mailroom.watching.signs import written
from mailroom.watching.signs.prefect import PrefectSigns, WorkerSign

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SETTINGS = Settings()
SILENT = PrefectSigns(error="ConnectError")
A, B = "api one:1", "api two:2"


class Find(Protocol):
    """A finder."""

    async def __call__(self, session: AsyncSession, settings: Settings, *, now: datetime) -> Sequence[Trouble]: ...


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def alive(process: str = A, *, heard: float = 2, began: float = 3600) -> Beat:
    """Return the sign of life of a process."""
    return Beat(WRITER, process, ago(began), ago(heard), 40, {"steady_since": ago(began).isoformat()})


def upkeep(heard: float = 30) -> Beat:
    """Return the sign of life of the upkeep."""
    return Beat(UPKEEP, WORKERS, ago(3600), ago(heard), 240, {"steady_since": ago(3600).isoformat()})


def answer(*, worker_heard: float | None = 5, waiting: float | None = None, planned: float = 900) -> PrefectSigns:
    """Return what Prefect says of a worker, of what waits and of what is planned; times are seconds before now."""
    workers = () if worker_heard is None else (WorkerSign(name="w", heard_at=ago(worker_heard), interval=10),)
    return PrefectSigns(
        version="3.8.8",
        workers=workers,
        oldest_waiting=None if waiting is None else ago(waiting),
        planned_until=NOW + timedelta(seconds=planned),
    )


def of_prefect(*answers: tuple[float, PrefectSigns], process: str = A, began: float = 3600) -> Beat:
    """Return the sign of these answers, each so many seconds before now."""
    found = None
    for seconds, signs in answers:
        found = written.of_prefect(signs, found, process=process, began_at=ago(began), now=ago(seconds))
    assert found is not None
    return found


async def write(database: Database, *beats: Beat) -> None:
    async with database.session() as session:
        await heartbeats.write(session, beats)


async def find(finder: Find, database: Database, settings: Settings = SETTINGS) -> list[tuple[str, Severity]]:
    """Return what is found: subjects and severities."""
    async with database.session() as session:
        return [(one.subject, one.severity) for one in await finder(session, settings, now=NOW)]


async def is_open(database: Database, kind: IncidentKind, subject: str) -> None:
    """Store an incident that is open."""
    row = Incident(kind=kind, subject=subject, severity=Severity.ERROR, values={"as": "it was"}, level=Level.OWNER)
    row.opened_at = row.last_seen_at = ago(600)
    async with database.session() as session:
        session.add(row)


async def test_prefect_is_told_when_no_process_hears_it_and_kept_until_it_answers_steadily(ledger: Database) -> None:
    kind, critical = IncidentKind.PREFECT_SILENT, [("prefect", Severity.CRITICAL)]
    assert await find(prefect.find, ledger) == [], "nobody has asked"
    await write(ledger, alive(), alive(B), of_prefect((60, answer()), (9, SILENT)))
    assert await find(prefect.find, ledger) == critical
    await write(ledger, of_prefect((20, answer()), process=B))
    assert await find(prefect.find, ledger) == [], "another process hears it"
    await write(ledger, of_prefect((60, answer()), (50, SILENT), (9, answer()), process=B))
    assert await find(prefect.find, ledger) == []
    await is_open(ledger, kind, "prefect")
    assert await find(prefect.find, ledger) == critical, "it has answered for 9 s only"
    await write(ledger, of_prefect((60, SILENT), (20, answer()), (9, answer()), process=B))
    assert await find(prefect.find, ledger) == []
    await write(ledger, alive(heard=100), alive(B, heard=100))
    assert [subject for subject, _ in await find(prefect.find, ledger)] == ["prefect"], "nobody is left who asks"


async def test_a_worker_is_told_only_where_prefect_was_heard(ledger: Database) -> None:
    pool = [(SETTINGS.work_pool, Severity.CRITICAL)]
    await write(ledger, alive(), of_prefect((5, answer(worker_heard=36))))
    assert await find(worker.find, ledger) == pool
    await write(ledger, of_prefect((5, answer(worker_heard=34))))
    assert await find(worker.find, ledger) == []
    await write(ledger, of_prefect((5, answer(worker_heard=None)), began=29))
    assert await find(worker.find, ledger) == [], "both have only just begun"
    for unknown in (of_prefect((60, answer()), (5, SILENT)), of_prefect((31, answer(worker_heard=99)))):
        await write(ledger, unknown)
        assert await find(worker.find, ledger) == []
    await is_open(ledger, IncidentKind.WORKER_SILENT, SETTINGS.work_pool)
    assert [subject for subject, _ in await find(worker.find, ledger)] == [SETTINGS.work_pool], "nobody knows"
    await write(ledger, of_prefect((5, answer(worker_heard=20))))
    assert await find(worker.find, ledger) == pool, "it was not heard just now"
    await write(ledger, of_prefect((5, answer(worker_heard=10))))
    assert await find(worker.find, ledger) == []


async def _due(database: Database, schedule: Schedule, seconds: float, **columns: object) -> None:
    """Store one execution in place of all others."""
    values = {"kind": ExecutionKind.SCHEDULED, "status": ExecutionState.PENDING, **columns}
    async with database.session() as session:
        for row in await session.scalars(select(Execution)):
            await session.delete(row)
        await session.flush()
        session.add(Execution(schedule_id=schedule.id, due_at=ago(seconds), created_at=NOW, **values))


async def test_the_queue_is_behind_where_something_due_has_not_begun(ledger: Database, schedule: Schedule) -> None:
    behind = [(SETTINGS.work_pool, Severity.ERROR)]
    well = of_prefect((5, answer()))
    await write(ledger, alive(), well)
    assert await find(queue.find, ledger) == []
    await _due(ledger, schedule, 301)
    assert await find(queue.find, ledger) == behind
    for allowed in (
        {"held_by": "a stop"},
        {"waits_for": "an earlier one"},
        {"kind": ExecutionKind.BACKFILL},
        {"status": ExecutionState.RUNNING},
        {"status": ExecutionState.RETRYING, "next_pass_at": ago(299)},
    ):
        await _due(ledger, schedule, 900, **allowed)
        assert await find(queue.find, ledger) == [], allowed
    await _due(ledger, schedule, 900, status=ExecutionState.RETRYING, next_pass_at=ago(301))
    assert await find(queue.find, ledger) == behind
    await _due(ledger, schedule, 9, status=ExecutionState.SUCCESS)
    await write(ledger, of_prefect((5, answer(waiting=301))))
    assert await find(queue.find, ledger) == behind, "Prefect has a run that nobody takes"
    await write(ledger, of_prefect((5, answer(waiting=301, worker_heard=99))))
    assert await find(queue.find, ledger) == [], "the worker's own incident tells"
    await write(ledger, well)
    changes = {"next_run": ago(301)}
    async with ledger.session() as session:
        await session.execute(update(Schedule).values(**changes))
    assert await find(queue.find, ledger) == behind, "nothing has claimed it"
    async with ledger.session() as session:
        await session.execute(update(Schedule).values(state=ScheduleState.PAUSED))
    assert await find(queue.find, ledger) == []


async def test_the_queue_is_behind_until_it_is_half_as_late(ledger: Database, schedule: Schedule) -> None:
    await write(ledger, alive(), of_prefect((5, answer())))
    await _due(ledger, schedule, 160)
    assert await find(queue.find, ledger) == []
    await is_open(ledger, IncidentKind.QUEUE_BEHIND, SETTINGS.work_pool)
    assert len(await find(queue.find, ledger)) == 1
    await _due(ledger, schedule, 140)
    assert await find(queue.find, ledger) == []


async def test_samples_never_make_the_queue_late(ledger: Database, schedule: Schedule) -> None:
    await write(ledger, alive(), of_prefect((5, answer())))
    async with ledger.session() as session:
        await session.execute(update(Schedule).values(is_sample=True, next_run=ago(900)))
    await _due(ledger, schedule, 900)
    assert await find(queue.find, ledger) == []


async def test_a_dead_process_is_told_by_a_survivor_and_by_the_upkeep_alone(ledger: Database) -> None:
    dead = [(A, Severity.CRITICAL)]
    await write(ledger, alive(heard=41), alive(B), of_prefect((5, answer()), process=B))
    assert await find(loops.find, ledger) == dead
    await write(ledger, alive(B, began=20), upkeep(heard=900))
    assert await find(loops.find, ledger) == [], "it was replaced, and the survivor has not written for long"
    async with ledger.session() as session:
        await heartbeats.end(session, [B])
    await write(ledger, upkeep())
    assert await find(loops.find, ledger) == dead
    await write(ledger, alive(heard=41), upkeep(heard=241))
    assert await find(loops.find, ledger) == [], "nobody is left who could know"
    await is_open(ledger, IncidentKind.LOOP_DEAD, A)
    assert [subject for subject, _ in await find(loops.find, ledger)] == [A]


async def test_a_loop_that_hangs_is_told_and_the_upkeep_only_where_something_could_run_it(ledger: Database) -> None:
    watchdog = Beat("watchdog", A, ago(3600), ago(400), 315)
    await write(ledger, alive(), watchdog, upkeep(heard=300), of_prefect((5, answer())))
    hangs = (f"watchdog of {A}", Severity.CRITICAL)
    assert await find(loops.find, ledger) == [hangs, (f"{UPKEEP} of {WORKERS}", Severity.CRITICAL)]
    for reason in (answer(worker_heard=99), SILENT):
        await write(ledger, of_prefect((60, answer()), (5, reason)))
        assert await find(loops.find, ledger) == [hangs]


async def test_a_scheduler_that_plans_nothing_is_told_when_prefect_answers_for_a_while(ledger: Database) -> None:
    idle, told = answer(planned=60), [(loops.SCHEDULER, Severity.CRITICAL)]
    await write(ledger, alive(), of_prefect((121, answer()), (5, idle)))
    assert await find(loops.find, ledger) == told
    await write(ledger, of_prefect((130, SILENT), (119, answer()), (5, idle)))
    assert await find(loops.find, ledger) == [], "after an outage it plans anew"
    await is_open(ledger, IncidentKind.LOOP_DEAD, loops.SCHEDULER)
    assert await find(loops.find, ledger) == told
    await write(ledger, of_prefect((5, SILENT)))
    assert [subject for subject, _ in await find(loops.find, ledger)] == [loops.SCHEDULER], "nobody knows"
    await write(ledger, of_prefect((5, answer())))
    assert await find(loops.find, ledger) == []


def _disk(process: str, host: str, free: int, *, heard: float = 2) -> Beat:
    return Beat(written.DISK, process, ago(900), ago(heard), 40, {"host": host, "free_mb": free})


async def test_disks_are_told_by_machine(ledger: Database) -> None:
    await write(ledger, alive(), alive(B), _disk(A, "one", 999), _disk(B, "two", 199))
    assert await find(disk.find, ledger) == [("one", Severity.ERROR), ("two", Severity.CRITICAL)]
    await write(ledger, _disk(A, "one", 1050), _disk(B, "two", 1000))
    assert await find(disk.find, ledger) == []
    await is_open(ledger, IncidentKind.DISK_LOW, "one")
    assert await find(disk.find, ledger) == [("one", Severity.ERROR)], "there is not enough more"
    await write(ledger, _disk(A, "one", 1100))
    assert await find(disk.find, ledger) == []
    await write(ledger, alive(heard=100), _disk(A, "one", 1100))
    assert [host for host, _ in await find(disk.find, ledger)] == ["one"], "nobody sees it any more"


async def test_keys_that_end_and_old_secrets_are_warnings_of_their_owners(ledger: Database, schedule: Schedule) -> None:
    def key(prefix: str, **columns: object) -> ApiKey:
        made = {"created_at": NOW - timedelta(days=10), "expires_at": NOW + timedelta(days=90), **columns}
        return ApiKey(user_id=schedule.user_id, name="ci", prefix=prefix, digest=prefix, scope="read", **made)

    day = timedelta(days=1)
    settings = SETTINGS
    async with ledger.session() as session:
        session.add_all(
            [
                key("soon", expires_at=NOW + (settings.key_reminder_days - 1) * day),
                key("later", expires_at=NOW + (settings.key_reminder_days + 1) * day),
                key("ended", expires_at=NOW - day),
                key("revoked", expires_at=NOW + day, revoked_at=NOW - day),
                key("old", created_at=NOW - (settings.key_old_days + 1) * day),
                SecretAge(name="MAILROOM_API_KEY", fingerprint="x", since=NOW - settings.secret_reminder_days * day),
                SecretAge(name="MAILROOM_AUDIT_KEY", fingerprint="x", since=NOW - day),
            ]
        )
    async with ledger.session() as session:
        found = await credentials.find(session, settings, now=NOW)
        owner = (await session.scalars(select(User.id))).one()
    assert {(one.subject, one.owner_id) for one in found} == {
        ("key soon", owner),
        ("key old", owner),
        ("MAILROOM_API_KEY", None),
    }
    assert {one.severity for one in found} == {Severity.WARNING}
    by_subject = {one.subject: one.values for one in found}
    assert by_subject["key soon"]["ends_at"] is not None
    assert by_subject["key old"]["ends_at"] is None
