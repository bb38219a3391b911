"""Fill a database as that of an installation in use: people with keys, their schedules, what was run and delivered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from bench.api import outcomes
from mailroom.access import tokens
from mailroom.access.viewer import team_subject
from mailroom.executions.history.last_result import refresh
from mailroom.reports.spec import ReportDefinition
from mailroom.roles import WIDEST, Role
from mailroom.schedules.listing.repository import destination_rows
from mailroom.schedules.spec import ScheduleSpec, store_spec
from mailroom.settings import Settings
from mailroom.states import ScheduleState, SyncState
from mailroom.storage.database import Database, new_id
from mailroom.storage.migrations import upgrade
from mailroom.storage.model.access import ApiKey, ConnectionGrant, ScheduleShare, Team
from mailroom.storage.model.recipients import ScheduleRecipient
from mailroom.storage.model.schedules.lists import ScheduleDestination
from mailroom.storage.tables import Connection, Delivery, Execution, Report, Schedule, Table, User

REPORT: dict[str, Any] = {
    "id": "orders",
    "title": "Orders",
    "source": {"kind": "sql", "connection": "warehouse", "queries": {"orders": "SELECT region FROM orders"}},
    "sections": [{"kind": "table", "query": "orders"}],
    "formats": ["csv"],
}
TEAM_SIZE = 10
EXECUTIONS_A_SCHEDULE = 3
_ROWS_AT_ONCE = 2_000


@dataclass(frozen=True)
class Person:
    """Somebody with a key. `schedules` are the ids of the person's own, `executions` some of theirs."""

    role: Role
    key: str
    schedules: list[str]
    executions: list[str]


def body(number: int) -> dict[str, Any]:
    """Return a schedule as a user writes it; no two of them send the same to the same place."""
    return {
        "name": f"Orders {number}",
        "report_id": "orders",
        "timing": {"frequency": "daily", "at": f"{number % 24:02d}:{number % 60:02d}", "timezone": "Europe/Berlin"},
        "formats": ["csv"],
        "destinations": [{"channel": "folder", "connection": "shared", "path": f"{number}/{{date}}.{{ext}}"}],
    }


def stored_body(number: int) -> dict[str, Any]:
    """Return a schedule that is there already: one in four also goes to people by mail, some of them to many."""
    found = body(number)
    if number % 4 == 0:
        people = [f"team{number % 500}@example.com", *(f"reader{one}@example.com" for one in range(number % 9))]
        mail = {"channel": "email", "connection": "mail", "to": people, "subject": "{report_name} {date}"}
        found["destinations"] = [*found["destinations"], mail]
    return found


async def fill(
    settings: Settings, people: int, schedules: int, executions: int = EXECUTIONS_A_SCHEDULE
) -> list[Person]:
    """Make the database and everything in it, with so many executions a schedule; return who may log in."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database)
    await upgrade(database)
    made = list(_people(people))
    rows: dict[type[Table], list[dict[str, Any]]] = {}
    persons = _rows(made, (schedules, executions), settings.key_pepper.get_secret_value(), rows)
    async with database.session() as session:
        # Parents first: each table names only those before it.
        for table, values in rows.items():
            for some in _batches(values):
                await session.execute(insert(table), some)
        # Derived from the runs, as after each end.
        await refresh(session, (row["id"] for row in rows[Schedule]))
    await database.close()
    return persons


def _batches(values: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(values), _ROWS_AT_ONCE):
        yield values[start : start + _ROWS_AT_ONCE]


def _people(count: int) -> Iterator[tuple[str, Role]]:
    """Yield names and roles: of twenty people one is an admin, three only look, and the others schedule."""
    for number in range(count):
        role = {0: Role.ADMIN, 1: Role.VIEWER, 2: Role.VIEWER, 3: Role.VIEWER}.get(number % 20, Role.CREATOR)
        yield f"user{number}", role


def _rows(
    people: list[tuple[str, Role]], counts: tuple[int, int], pepper: str, rows: dict[type[Table], list[dict[str, Any]]]
) -> list[Person]:
    schedules, executions = counts
    now = datetime.now(UTC)
    stamps = {"created_at": now, "updated_at": now}
    for table in (
        Team,
        User,
        ApiKey,
        Report,
        Connection,
        ConnectionGrant,
        Schedule,
        ScheduleShare,
        ScheduleDestination,
        ScheduleRecipient,
        Execution,
        Delivery,
    ):
        rows[table] = []
    definition = ReportDefinition.model_validate(REPORT)
    stored = {"id": "orders", "title": "Orders", "version": definition.version}
    rows[Report].append({**stored, "definition": definition.model_dump(mode="json"), **stamps})
    for name, kind in (("shared", "folder"), ("mail", "smtp"), ("warehouse", "sql")):
        rows[Connection].append({"name": name, "kind": kind, "block_type_slug": f"mailroom-{kind}", **stamps})
        rows[ConnectionGrant].append({"connection": name, "subject": "role:creator"})
    teams = [new_id() for _ in range(0, len(people), TEAM_SIZE)]
    rows[Team] += [{"id": one, "name": f"Team {number}", **stamps} for number, one in enumerate(teams)]
    made, users = [], []
    for number, (name, role) in enumerate(people):
        user_id, team, key = new_id(), teams[number // TEAM_SIZE], tokens.new_token()
        rows[User].append(
            {"id": user_id, "email": f"{name}@example.com", "name": name, "role": role, "team_id": team, **stamps}
        )
        rows[ApiKey].append(
            {
                "id": new_id(),
                "user_id": user_id,
                "name": "bench",
                "prefix": tokens.prefix_of(key),
                "digest": tokens.digest(key, pepper),
                "scope": WIDEST[role],
                "created_at": now,
                "expires_at": now + timedelta(days=30),
            }
        )
        made.append(Person(role, key, [], []))
        users.append((user_id, team))
    owners = [number for number, (_, role) in enumerate(people) if role is not Role.VIEWER]
    for number in range(schedules):
        owner = owners[number % len(owners)]
        spec = ScheduleSpec.model_validate(stored_body(number))
        schedule = _schedule(number, spec, users[owner][0], now)
        rows[Schedule].append(schedule)
        targets, schedule_id = spec.targets(), schedule["id"]
        rows[ScheduleDestination] += destination_rows(schedule_id, targets)
        people_of = {address.lower() for target in targets for address in target.addresses()}
        rows[ScheduleRecipient] += [{"address": one, "schedule_id": schedule_id} for one in sorted(people_of)]
        made[owner].schedules.append(schedule_id)
        if number % 20 == 0:
            rows[ScheduleShare].append({"schedule_id": schedule_id, "subject": team_subject(users[owner][1])})
        places = outcomes.places(targets, number)
        for back in range(executions):
            due = now - timedelta(days=back + 1, minutes=number % 1000)
            run = outcomes.execution(schedule_id, due, outcomes.ended_as(number, back), places)
            rows[Execution].append(run)
            rows[Delivery] += outcomes.deliveries(run, targets, places)
            made[owner].executions.append(run["id"])
    return made


def _schedule(number: int, spec: ScheduleSpec, owner: str, now: datetime) -> dict[str, Any]:
    row, state = Schedule(id=new_id(), user_id=owner), outcomes.state_of(number)
    store_spec(row, spec)
    written = {name: value for name, value in vars(row).items() if not name.startswith("_")}
    active = state is ScheduleState.ACTIVE
    states = {"state": state, "is_active": active, "sync_state": SyncState.SYNCED}
    next_run = now + timedelta(minutes=1 + number % 1440) if active else None
    due = {"accounted_until": now, "next_run": next_run, "observed_generation": 1}
    last = now - timedelta(days=1, minutes=number % 1000)
    return {**written, **states, **due, "last_run": last, "created_at": now, "updated_at": now}
