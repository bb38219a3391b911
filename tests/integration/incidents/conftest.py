"""Schedules with a history, written as the ledger keeps them, on SQLite and on Postgres."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from mailroom.executions.history import last_result
from mailroom.incidents import watch
from mailroom.incidents.finders.registry import FINDERS, Finder
from mailroom.incidents.spec import IncidentKind, Telling
from mailroom.incidents.to_tell import due_to_tell
from mailroom.incidents.watch import Findings
from mailroom.settings import Settings
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.database import Database, new_id
from mailroom.storage.model.schedules.lists import ScheduleDestination
from mailroom.storage.model.upkeep.incidents import Incident
from mailroom.storage.tables import Delivery, Execution, Report, Schedule, User
from tests.integration.conftest import NOW
from tests.support.samples import REPORT

SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3600, 86_400))
HOLD = timedelta(seconds=Settings().incidents.tell_after_seconds)
OURS = frozenset(
    {
        IncidentKind.SCHEDULE_FAILING,
        IncidentKind.OCCURRENCE_MISSED,
        IncidentKind.SCHEDULE_SUSPENDED,
        IncidentKind.CONNECTION_FAILING,
        IncidentKind.SYNC_STUCK,
    }
)

ON_ONE = pytest.mark.parametrize("book", ["sqlite"], indirect=True)
"""Marks a test in which both databases do the same."""


@dataclass
class Ledger:
    """A database with one owner and one report, and short ways to write what happened."""

    database: Database
    owner_id: str

    async def add(self, count: int = 1, *, connection: str = "bank", **columns: Any) -> list[str]:
        """Store active schedules that send through a connection, and return their ids."""
        defaults = {"state": ScheduleState.ACTIVE, "sync_state": "synced", "created_at": NOW, "updated_at": NOW}
        rows = [
            {
                "id": new_id(),
                "user_id": self.owner_id,
                "report_id": "sales",
                "name": f"Sales {number}",
                "schedule_config": {},
                "distribution_config": {},
                "filter_config": {},
                "policy_config": {"policy": {}, "condition": {}},
                **defaults,
                **columns,
            }
            for number in range(count)
        ]
        async with self.database.session() as session:
            session.add_all([Schedule(**row) for row in rows])
            await session.flush()
            for row in rows:
                place = {"position": 0, "channel": "sftp", "connection": connection, "recipients": 1}
                session.add(ScheduleDestination(schedule_id=row["id"], **place))
        return [row["id"] for row in rows]

    async def ran(
        self,
        ids: list[str],
        status: ExecutionState,
        at: datetime,
        *,
        kind: ExecutionKind = ExecutionKind.SCHEDULED,
        connection: str = "bank",
        delivery: DeliveryState | None = None,
        **columns: Any,
    ) -> list[str]:
        """Write that a run of each schedule was due and ended at a moment, and return the ids of the executions."""
        left = DeliveryState.DELIVERED if status is ExecutionState.SUCCESS else DeliveryState.FAILED
        runs = [
            Execution(
                id=new_id(),
                schedule_id=schedule_id,
                kind=kind,
                due_at=at,
                status=status,
                completed_at=at if status.ended else None,
                created_at=at,
                **{"reason_code": "not_all_delivered", **columns},
                reason_values={"delivered": 0, "total": 1, "states": ["failed"]},
            )
            for schedule_id in ids
        ]
        async with self.database.session() as session:
            session.add_all(runs)
            await session.flush()
            for run in runs:
                session.add(
                    Delivery(
                        execution_id=run.id,
                        position=0,
                        channel="sftp",
                        connection=connection,
                        recipient="/in/sales.pdf",
                        key=new_id(),
                        destination={},
                        status=delivery or left,
                        error_message="The host does not answer.",
                        created_at=at,
                    )
                )
            await session.flush()
            await last_result.refresh(session, ids)
        return [run.id for run in runs]

    async def set(self, ids: list[str], **columns: Any) -> None:
        """Change columns of schedules; what follows from their state is kept in step."""
        async with self.database.session() as session:
            await session.execute(update(Schedule).where(Schedule.id.in_(ids)).values(**columns))
            await last_result.refresh(session, ids)

    async def look(self, at: datetime, finders: tuple[Finder, ...] | None = None) -> Findings:
        """Look once, as the loop does; without others' finders, which look at this machine."""
        ours = tuple(finder for finder in FINDERS if finder.kinds <= OURS)
        return await watch.look(self.database, Settings(), now=at, finders=ours if finders is None else finders)

    async def tell(self, at: datetime) -> list[Telling]:
        """Hand on what is to be told."""
        return await self.database.transact(lambda session: due_to_tell(session, now=at))

    async def incidents(self, kind: IncidentKind | None = None) -> list[Incident]:
        """Return the open incidents that are told by themselves."""
        query = select(Incident).where(Incident.resolved_at.is_(None), Incident.merged_into.is_(None))
        if kind is not None:
            query = query.where(Incident.kind == kind)
        async with self.database.session() as session:
            return list(await session.scalars(query.order_by(Incident.kind, Incident.subject)))

    async def kinds(self) -> list[str]:
        """Return the kinds of the open incidents that are told by themselves."""
        return [row.kind for row in await self.incidents()]


@pytest.fixture(params=["sqlite", "postgres"])
async def book(request: pytest.FixtureRequest, migrated_url: Callable[[str], str]) -> AsyncIterator[Ledger]:
    """Make a ledger on each database."""
    database = Database(migrated_url(request.param))
    owner = User(email="owner@example.com", created_at=NOW, updated_at=NOW)
    definition = {**REPORT, "id": "sales", "title": "Sales", "formats": ["pdf"]}
    report = Report(id="sales", title="Sales", version="0" * 64, definition=definition, created_at=NOW, updated_at=NOW)
    async with database.session() as session:
        session.add_all([owner, report])
    yield Ledger(database, owner.id)
    await database.close()
