"""A worker of its own: it makes one pass in another process, and writes down when each of its deliveries leaves.

Its arguments are those of `work`; it says that it is ready, and begins when it gets a line.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.tables import Execution, Schedule, User
from prefect_mailroom.channels.base import Parcel
from prefect_mailroom.testing import Answer, Recorder, RecordingChannel, registered
from tests.support.environment import Environment


async def work(
    url: str, data_dir: str, prefect: str, schedule_id: str, execution_id: str, journal: str, hold: str
) -> None:
    """Make the pass; the connection's recorder holds each delivery for so many seconds."""
    database = Database(url)
    settings = Settings(data_dir=Path(data_dir), prefect_api_url=prefect)
    async with database.session() as session:
        schedule, execution = await session.get(Schedule, schedule_id), await session.get(Execution, execution_id)
        assert schedule is not None
        assert execution is not None
        owner = await session.get(User, schedule.user_id)
        assert owner is not None
    spans: list[tuple[float, float]] = []

    async def leave(_parcel: Parcel) -> None:
        began = time.time()
        await asyncio.sleep(float(hold))
        spans.append((began, time.time()))

    Recorder.named("line").answer_always(Answer(takes=True, first=leave))
    with registered(RecordingChannel):
        environment = Environment(database, settings, owner)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        result = await environment.run_pass(schedule, execution)
    Path(journal).write_text(json.dumps({"spans": spans, "state": str(getattr(result, "state", result))}))
    await database.close()


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
