"""Single runs read together, from the real server."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound
from prefect.flows import flow

from embedded.ports import free_port
from prefect_mailroom.worker.together import Together


async def test_runs_asked_for_at_once_are_one_request_and_none_gets_anothers(
    prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @flow
    def nothing() -> None: ...

    async with PrefectClient(prefect_server) as client:
        runs = [await client.create_flow_run(nothing) for _ in range(5)]
        asked: list[Any] = []
        stock = client.read_flow_runs

        async def counted(**filters: Any) -> Any:
            asked.append(filters)
            return await stock(**filters)

        monkeypatch.setattr(client, "read_flow_runs", counted)
        reads = Together(client)
        found = await asyncio.gather(*(reads.read(run.id) for run in [*runs, runs[0]]))
        assert [run.id for run in found] == [run.id for run in [*runs, runs[0]]]
        assert len(asked) == 1

        known, gone = await asyncio.gather(reads.read(runs[1].id), reads.read(uuid4()), return_exceptions=True)
        assert getattr(known, "id", None) == runs[1].id
        assert isinstance(gone, ObjectNotFound)
        assert len(asked) == 2


async def test_who_asked_is_told_when_the_server_does_not_answer() -> None:
    async with PrefectClient(f"http://127.0.0.1:{free_port('127.0.0.1')}/api") as client:
        reads = Together(client)
        both = await asyncio.gather(reads.read(uuid4()), reads.read(uuid4()), return_exceptions=True)
    assert all(isinstance(error, httpx.ConnectError) for error in both)
