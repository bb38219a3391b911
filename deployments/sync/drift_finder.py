"""Looks Prefect over for what differs from our schedules. It writes nothing.

To read a deployment costs a Prefect server 1 to 10 ms of CPU, so ten thousand are not read each minute. Each look reads
what changed since the last one by Prefect's own stamp, counts, and reads on through all schedules for as long as its
share of the time lasts; that finds what the stamp misses, such as a cron edited in Prefect's interface.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import PrefectClient

from deployments.sync.desired import desired
from deployments.sync.drift_judge import Verdict, judge
from deployments.sync.observed import Observed, count, read, read_others, read_recent
from deployments.sync.stray_finder import Stray, claimed_schedule, stray
from mailroom.schedules import repository as stored
from mailroom.settings import Settings
from mailroom.states import SyncState
from mailroom.storage.database import Database
from mailroom.storage.tables import Schedule

_SLICE = 100
_RECENT = 20
_MOST_RECENT = 200
_CHUNK = 500
_MOST_KNOWN = 30_000
_OVERLAP = timedelta(seconds=10)
"""A transaction shows its change some time after the stamp that the change bears."""


@dataclass(slots=True)
class Found:
    """Schedules that are out of step with what to do about each, and deployments that should not be there."""

    verdicts: dict[str, tuple[Schedule, Verdict]] = field(default_factory=dict)
    strays: dict[str, Stray] = field(default_factory=dict)
    ours: int = 0


class Sweep:
    """Remembers between looks how far it has come."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings
        self._seen = datetime.max.replace(tzinfo=UTC)
        self._after = ""
        self._explained = (0, 0)

    async def look(self, client: PrefectClient, *, seconds: float) -> Found:
        """One look that reads on through the schedules for so many seconds, and at most to the last.

        Raises:
            httpx.TransportError, OSError, httpx.HTTPStatusError: Prefect does not answer, or not well.
        """
        found = Found()
        await self._recent(client, found)
        await self._counted(client, found)
        end = time.monotonic() + seconds
        while True:
            async with self._database.session() as session:
                rows = await stored.following(session, self._after, _SLICE)
            await self._compare(client, rows, found)
            self._after = rows[-1].id if len(rows) == _SLICE else ""
            if not self._after or time.monotonic() > end:
                return found

    async def _compare(self, client: PrefectClient, rows: Sequence[Schedule], found: Found) -> None:
        if rows:
            there = await read(client, [row.id for row in rows])
            await self._judge(rows, there, found)

    async def _judge(self, rows: Sequence[Schedule], there: dict[str, Observed], found: Found) -> None:
        def judged() -> list[tuple[Schedule, Verdict]]:
            return [(row, judge(row, desired(row, self._settings), there.get(row.id))) for row in rows]

        # Some 30 ms a slice: too long for an event loop that serves requests.
        for row, verdict in await asyncio.to_thread(judged):
            if verdict.action or verdict.wish or row.sync_state is not SyncState.SYNCED:
                found.verdicts[row.id] = (row, verdict)

    async def _recent(self, client: PrefectClient, found: Found) -> None:
        """What changed since the last look, by Prefect's stamp; the first look only takes the time."""
        since, newest, offset = self._seen, None, 0
        while page := await read_recent(client, limit=_RECENT, offset=offset):
            newest = newest or page[0].updated
            changed = [deployment for deployment in page if deployment.updated > since]
            await self._sort_out(changed, found)
            offset += _RECENT
            if len(changed) < _RECENT or offset >= _MOST_RECENT:
                break  # After a flood of changes, reading on through all finds the rest.
        # What is newest and old enough has nothing beside it that shows only now.
        settled = datetime.now(UTC) - _OVERLAP
        self._seen = newest if newest and newest < settled else (newest or settled) - _OVERLAP

    async def _sort_out(self, deployments: Sequence[Observed], found: Found) -> None:
        """Our schedules' own deployments are judged; the others may be strays."""
        if not deployments:
            return
        named = {deployment.name for deployment in deployments}
        tagged = {claimed for deployment in deployments if (claimed := claimed_schedule(deployment))}
        async with self._database.session() as session:
            rows = {row.id: row for row in await stored.by_ids(session, sorted(named | tagged))}
        states = {row.id: row.state for row in rows.values()}
        own = {}
        for deployment in deployments:
            if odd := stray(deployment, states, self._settings):
                found.strays[str(deployment.id)] = odd
            elif deployment.name in rows:
                own[deployment.name] = deployment
        await self._judge([rows[name] for name in own], own, found)

    async def _counted(self, client: PrefectClient, found: Found) -> None:
        """Where Prefect has not as many as we know of: which are missing, and which nobody knows."""
        async with self._database.session() as session:
            known = await stored.deployed(session)
        found.ours = len(known)
        counts = (await count(client), len(known))
        if counts[0] == counts[1] or counts == self._explained:
            return
        ids, there = sorted(known), 0
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            present = await count(client, chunk)
            there += present
            if present < len(chunk):
                await self._missing(client, chunk, found)
        if counts[0] > there and len(known) <= _MOST_KNOWN:
            await self._sort_out(await read_others(client, list(known.values())), found)
        self._explained = counts if not found.verdicts and not found.strays else (0, 0)

    async def _missing(self, client: PrefectClient, ids: Sequence[str], found: Found) -> None:
        for start in range(0, len(ids), _SLICE):
            async with self._database.session() as session:
                rows = await stored.by_ids(session, ids[start : start + _SLICE])
            await self._compare(client, rows, found)
