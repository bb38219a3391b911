"""Finds what differs in Prefect from our schedules. It writes nothing.

To read a deployment costs a Prefect server 1 to 10 ms of CPU, so ten thousand are not read each minute. Each call of
`find` reads what changed since the last one by Prefect's own stamp, counts, and reads on through all schedules for as
long as its share of the time lasts; that finds what the stamp misses, such as a cron edited in Prefect's interface.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import PrefectClient

from deployments.sync.desired import desired
from deployments.sync.drift_judge import DriftVerdict, judge_drift
from deployments.sync.observed import Observed, count, read, read_others, read_recent
from deployments.sync.stray_finder import Stray, claimed_schedule, stray_of
from mailroom.schedules import repository as stored
from mailroom.schedules.lifecycle import state_in_prefect
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
class Drift:
    """Schedules that are out of step, with what to do about each, and deployments that should not be there.

    `ours` is how many deployments our tables know of.
    """

    verdicts: dict[str, tuple[Schedule, DriftVerdict]] = field(default_factory=dict)
    strays: dict[str, Stray] = field(default_factory=dict)
    ours: int = 0


class DriftFinder:
    """Finds drift a part at a time, and remembers how far it has come."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings
        self._seen = datetime.max.replace(tzinfo=UTC)
        self._after = ""
        self._explained = (0, 0)

    async def find(self, client: PrefectClient, *, seconds: float) -> Drift:
        """Return the drift found while reading on through the schedules for so many seconds, at most to the last.

        Raises:
            httpx.TransportError, OSError, httpx.HTTPStatusError: Prefect does not answer, or not well.
        """
        drift = Drift()
        await self._recent(client, drift)
        await self._counted(client, drift)
        end = time.monotonic() + seconds
        while True:
            async with self._database.session() as session:
                rows = await stored.following(session, self._after, _SLICE)
            await self._compare(client, rows, drift)
            self._after = rows[-1].id if len(rows) == _SLICE else ""
            if not self._after or time.monotonic() > end:
                return drift

    async def _compare(self, client: PrefectClient, rows: Sequence[Schedule], drift: Drift) -> None:
        if rows:
            there = await read(client, [row.id for row in rows])
            await self._judge(rows, there, drift)

    async def _judge(self, rows: Sequence[Schedule], there: dict[str, Observed], drift: Drift) -> None:
        def judged() -> list[tuple[Schedule, DriftVerdict]]:
            return [(row, judge_drift(row, desired(row, self._settings), there.get(row.id))) for row in rows]

        # Some 30 ms a slice: too long for an event loop that serves requests.
        for row, verdict in await asyncio.to_thread(judged):
            if verdict.action or verdict.wish or row.sync_state is not SyncState.SYNCED:
                drift.verdicts[row.id] = (row, verdict)

    async def _recent(self, client: PrefectClient, drift: Drift) -> None:
        """Find what changed since the last call, by Prefect's stamp; the first call only notes the time."""
        since, newest, offset = self._seen, None, 0
        while page := await read_recent(client, limit=_RECENT, offset=offset):
            newest = newest or page[0].updated
            changed = [deployment for deployment in page if deployment.updated > since]
            await self._sort_out(changed, drift)
            offset += _RECENT
            if len(changed) < _RECENT or offset >= _MOST_RECENT:
                break  # After a flood of changes, reading on through all finds the rest.
        # What is newest and old enough has nothing beside it that shows only now.
        settled = self._database.now() - _OVERLAP
        self._seen = newest if newest and newest < settled else (newest or settled) - _OVERLAP

    async def _sort_out(self, deployments: Sequence[Observed], drift: Drift) -> None:
        """Judge the deployments that belong to our schedules; look for strays among the others."""
        if not deployments:
            return
        named = {deployment.name for deployment in deployments}
        tagged = {claimed for deployment in deployments if (claimed := claimed_schedule(deployment))}
        async with self._database.session() as session:
            rows = {row.id: row for row in await stored.by_ids(session, sorted(named | tagged))}
        states = {row.id: state_in_prefect(row) for row in rows.values()}
        own = {}
        for deployment in deployments:
            if stray := stray_of(deployment, states, self._settings):
                drift.strays[str(deployment.id)] = stray
            elif deployment.name in rows:
                own[deployment.name] = deployment
        await self._judge([rows[name] for name in own], own, drift)

    async def _counted(self, client: PrefectClient, drift: Drift) -> None:
        """Compare the number of deployments with ours; where it differs, find the missing and the unknown ones."""
        async with self._database.session() as session:
            known = await stored.deployed(session)
        drift.ours = len(known)
        counts = (await count(client), len(known))
        if counts[0] == counts[1] or counts == self._explained:
            return
        ids, there = sorted(known), 0
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            present = await count(client, chunk)
            there += present
            if present < len(chunk):
                await self._missing(client, chunk, drift)
        if counts[0] > there and len(known) <= _MOST_KNOWN:
            await self._sort_out(await read_others(client, list(known.values())), drift)
        self._explained = counts if not drift.verdicts and not drift.strays else (0, 0)

    async def _missing(self, client: PrefectClient, ids: Sequence[str], drift: Drift) -> None:
        for start in range(0, len(ids), _SLICE):
            async with self._database.session() as session:
                rows = await stored.by_ids(session, ids[start : start + _SLICE])
            await self._compare(client, rows, drift)
