"""Reads of single flow runs that come at nearly the same time, as one request: else 6 ms of the server's CPU each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.exceptions import ObjectNotFound

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun

_WAIT_SECONDS = 0.03
# The server's own most for one answer, by default.
_MOST = 200


class Together:
    """Gathers the questions of a moment, then asks once. An instance belongs to one event loop."""

    def __init__(self, client: PrefectClient) -> None:
        self._client = client
        self._asked: dict[UUID, asyncio.Future[FlowRun]] = {}
        self._reading: set[asyncio.Task[None]] = set()

    async def read(self, flow_run_id: UUID) -> FlowRun:
        """Return the run as it is at some moment after the call.

        Raises:
            ObjectNotFound: there is none.
            httpx.HTTPError: the server did not answer, or not well.
        """
        if flow_run_id not in self._asked:
            self._asked[flow_run_id] = asyncio.get_running_loop().create_future()
            if len(self._asked) == 1:
                reading = asyncio.create_task(self._read())
                self._reading.add(reading)
                reading.add_done_callback(self._reading.discard)
        return await asyncio.shield(self._asked[flow_run_id])

    async def _read(self) -> None:
        await asyncio.sleep(_WAIT_SECONDS)
        asked, self._asked = self._asked, {}
        ids = list(asked)
        try:
            for start in range(0, len(ids), _MOST):
                these = FlowRunFilter(id=FlowRunFilterId(any_=ids[start : start + _MOST]))
                for run in await self._client.read_flow_runs(flow_run_filter=these, limit=_MOST):
                    asked[run.id].set_result(run)
        except Exception as error:  # Each who asked is told.
            for future in asked.values():
                if not future.done():
                    future.set_exception(error)
        for future in asked.values():
            if not future.done():
                future.set_exception(ObjectNotFound(LookupError(), "There is no such flow run."))
        for future in asked.values():
            future.exception()  # Whoever asked may be gone; that is no news.
