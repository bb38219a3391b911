"""An upload that is done soon costs no statement, from however many threads it is told."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from mailroom.passes.sending.upload_watch import watching
from mailroom.storage.database import Database, new_id
from mailroom.storage.tables import Delivery
from tests.support.statements import recorded


async def test_an_upload_that_is_done_soon_writes_nothing() -> None:
    database, before = Database("sqlite+aiosqlite://"), asyncio.all_tasks()
    delivery = Delivery(id=new_id(), channel="folder")
    with (
        recorded(database) as recorder,
        watching(database, delivery, 1) as watch,
        ThreadPoolExecutor(4) as threads,
    ):
        list(threads.map(lambda sent: watch.tell(sent, 1000), range(1000)))
        while not (begun := asyncio.all_tasks() - before):
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks() - before) == 1, "one task writes, whoever told the first"
    await asyncio.wait(begun)
    assert all(task.cancelled() for task in begun)
    assert recorder.statements == 0
    await database.close()


def test_what_is_told_when_all_is_over_is_let_go() -> None:
    async def watch_for_a_moment() -> object:
        with watching(Database("sqlite+aiosqlite://"), Delivery(id=new_id(), channel="folder"), 1) as watch:
            return watch.tell

    tell = asyncio.run(watch_for_a_moment())
    assert callable(tell)
    tell(1, 2)  # The loop is closed; a thread that outlives its attempt is not disturbed.
