"""A host that is cut off in the middle of a transaction: its locks are given back, and it notices, within seconds."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from bench.peak.stack import inherited
from bench.peak.waiting import free_ports
from bench.scale.stack import postgres
from bench.scale.stack.hosts import Hosts
from mailroom.settings import CHECKOUT
from mailroom.storage.hosts.lost import NOTICED_WITHIN
from tests.support.apart import ran_inside
from tests.support.waiting import eventually_sync

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Only Linux has network namespaces.")
HOLDS = """
import asyncio, sys
from sqlalchemy import text
from mailroom.storage.database import Database

async def main():
    async with Database(sys.argv[1]).session() as session:
        await session.execute(text("SELECT * FROM things FOR UPDATE"))
        print("locked", flush=True)
        while True:
            await asyncio.sleep(0.5)
            try:
                await session.execute(text("SELECT 1"))
            except Exception as error:
                print("noticed", type(error).__name__, flush=True)
                return

asyncio.run(main())
"""


@contextmanager
def _postgres(folder: Path, address: str) -> Iterator[int]:
    folder.mkdir(mode=0o755)
    [port] = free_ports(1)
    unit = postgres.unit(folder, address, port)
    unit.start()
    try:
        eventually_sync(unit.answers, 60, unit.last_lines)
        yield port
    finally:
        unit.stop()


@pytest.mark.timeout(300)
def test_its_locks_are_given_back_and_it_notices(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if ran_inside(request, 280):
        return
    tmp_path.chmod(0o755)  # Postgres of another user must be able to walk here.
    hosts = Hosts(apart=True)
    with hosts.open(), _postgres(tmp_path / "stack", hosts.middle) as port:
        address = f"{hosts.middle}:{port}/postgres"
        with psycopg.connect(f"postgresql://postgres@{address}", autocommit=True) as ours:
            ours.execute("CREATE TABLE things AS SELECT 1 AS thing")
            command = [*hosts.inside(1), sys.executable, "-c", HOLDS, f"postgresql+asyncpg://postgres@{address}"]
            with subprocess.Popen(command, cwd=CHECKOUT, env=inherited(), stdout=subprocess.PIPE, text=True) as other:
                assert other.stdout is not None, "it is a pipe"
                assert other.stdout.readline() == "locked\n"
                hosts.cut(1)
                began = time.monotonic()
                ours.execute(f"SET statement_timeout = '{2 * NOTICED_WITHIN}s'")
                ours.execute("UPDATE things SET thing = 2")
                assert time.monotonic() - began > 1, "the host held the row when it was cut off"
                assert other.stdout.readline().startswith("noticed ")
                assert time.monotonic() - began < 2 * NOTICED_WITHIN
