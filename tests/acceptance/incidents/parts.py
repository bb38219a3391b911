"""Faults of the parts of an installation: processes that hang or die, a trail that was changed, a key that ends."""

from __future__ import annotations

import asyncio
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from sqlalchemy import update

from embedded.ports import free_port
from mailroom.states import ExecutionState
from mailroom.storage.database import Database, new_id
from mailroom.storage.hosts import marker
from mailroom.storage.tables import Execution
from mailroom.watching.signs.hosts import host_name
from tests.acceptance.incidents.book import TO_OPERATORS
from tests.acceptance.incidents.story import Story
from tests.support.processes import command_lines
from tests.support.system import System, wait_for

KEY_NAME = "Night job of the warehouse"
_START_SECONDS = 240
FAILURES = 10
"""So many failures in a day are an error where there are few runs."""


def process(word: str) -> psutil.Process:
    """Return the first process of the system whose command line has this word."""
    for found, line in command_lines(psutil.Process().children(recursive=True)):
        if word in line.split():
            return found
    raise AssertionError(f"no process {word}")


def worker() -> Story:
    """Return the story of a worker that hangs."""
    found = process("prefect_mailroom.worker")
    fault = "the worker hangs (SIGSTOP), and goes on"
    return Story("worker_silent", lambda: "mailroom", found.suspend, found.resume, TO_OPERATORS, fault=fault)


def prefect() -> Story:
    """Return the story of a Prefect that hangs, which keeps the connection of mails: they go by what is at hand."""
    found = process("embedded.prefect_server")
    fault = "Prefect hangs (SIGSTOP), and goes on"
    return Story("prefect_silent", lambda: "prefect", found.suspend, found.resume, TO_OPERATORS, fault=fault)


@dataclass
class SecondApi:
    """A process of the API beside the one that `mailroom up` looks after, which can be killed and replaced.

    Make it before any other is started: it is started as the only one that runs then.
    """

    system: System
    log: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    first: psutil.Process = field(default_factory=lambda: process("api.app:create_app"))

    @contextmanager
    def running(self) -> Iterator[SecondApi]:
        """Run it while the block does."""
        with self.ended():
            self.start()
            self.wait()
            yield self

    @contextmanager
    def ended(self) -> Iterator[None]:
        """End every process when the block does."""
        try:
            yield
        finally:
            for one in self.processes:
                one.terminate()
                one.wait(60)

    def start(self, **environment: str) -> None:
        """Start a process, with some variables of its own."""
        command = [*self.first.cmdline()[:-1], str(free_port("127.0.0.1"))]
        own = {**self.first.environ(), **environment}
        with self.log.open("ab") as log:
            made = subprocess.Popen(command, env=own, stdout=log, stderr=log, cwd=self.first.cwd())
        self.processes.append(made)

    def wait(self) -> None:
        """Wait for the first sign of life of the process that was started last."""
        wait_for("its first sign of life", self._beats, _START_SECONDS)

    def end(self) -> None:
        """End the process that was started last, as a service manager does."""
        self.processes[-1].terminate()
        self.processes[-1].wait(60)

    def story(self) -> Story:
        """Return the story of its death."""

        def kill() -> None:
            self.processes[0].send_signal(signal.SIGKILL)

        fault = "an API process is killed (SIGKILL), and another one takes its place"
        return Story("loop_dead", self._subject, kill, self.start, TO_OPERATORS, fault=fault)

    def _subject(self) -> str:
        query = "SELECT subject FROM incidents WHERE kind = 'loop_dead' AND subject LIKE ?"
        found = self.system.ledger(query, f"%:{self.processes[0].pid}%")
        return str(found[0][0]) if found else "none yet"

    def _beats(self) -> int:
        query = "SELECT count(*) FROM heartbeats WHERE name = 'heartbeats' AND process LIKE ?"
        return int(self.system.ledger(query, f"%:{self.processes[-1].pid}")[0][0])


def ending_key(system: System) -> Story:
    """Return the story of a key that ends within the days in which its owner is reminded; it is a warning."""
    made: dict[str, str] = {}

    def make() -> None:
        body = {"name": KEY_NAME, "scope": "read", "expires_in_days": 10}
        made.update(system.api("POST", "/keys", body, status=201))

    def revoke() -> None:
        system.api("DELETE", f"/keys/{made['id']}", status=204)

    fault = "a key that is valid for 10 more days; it is revoked. A warning, told by the digest only"
    return Story("credential_ending", lambda: f"key {made.get('prefix', '')}", make, revoke, frozenset(), fault=fault)


def changed_trail(system: System) -> Story:
    """Return the story of hashes of the audit trail that somebody changes in the database, and puts back."""
    checkpoints = system.folder / "audit-checkpoints.jsonl"

    def change() -> float:
        wait_for("the first checkpoint", lambda: checkpoints.exists() and checkpoints.stat().st_size, 120)
        _force(system, "UPDATE audit_seals SET hash = 'x' || hash")
        return time.monotonic()

    def put_back() -> None:
        _force(system, "UPDATE audit_seals SET hash = substr(hash, 2) WHERE hash LIKE 'x%'")

    fault = "hashes of the trail are changed in the database behind its triggers, and put back"
    return Story("trail_contradicted", lambda: "audit trail", change, put_back, TO_OPERATORS, fault=fault)


def missed_level(system: System, schedule_id: str) -> Story:
    """Return the story of runs in the ledger that failed, and succeed when they are tried again."""
    ids = [new_id() for _ in range(FAILURES)]

    async def fail(database: Database) -> None:
        now = datetime.now(UTC)
        async with database.session() as session:
            session.add_all(
                Execution(
                    id=own,
                    schedule_id=schedule_id,
                    due_at=now - timedelta(hours=1, seconds=number),
                    status=ExecutionState.FAILED,
                    reason="Not everybody has got it.",
                    started_at=now - timedelta(minutes=2),
                    completed_at=now - timedelta(minutes=1),
                    created_at=now - timedelta(hours=1),
                )
                for number, own in enumerate(ids)
            )

    async def succeed(database: Database) -> None:
        now = datetime.now(UTC)
        again = {"status": ExecutionState.SUCCESS, "completed_at": now, "retry_requested_at": now}
        async with database.session() as session:
            await session.execute(update(Execution).where(Execution.id.in_(ids)).values(**again))

    def do(work: Callable[[Database], Awaitable[None]]) -> Callable[[], None]:
        return lambda: asyncio.run(_with_database(system, work))

    fault = f"{FAILURES} runs of the last hour are written to the ledger as failed; then a retry delivers them"
    return Story("level_missed", lambda: "success", do(fail), do(succeed), TO_OPERATORS, fault=fault)


def small_disk() -> Story:
    """Return the story of a disk with less room than the setting asks for; it is mended by a start without that.

    It begins when the system is up, so whoever tells it says when that was.
    """
    fault = "MAILROOM_DISK_LOW_MB is above what is free; a start with the default"
    return Story("disk_low", socket.gethostname, time.monotonic, None, TO_OPERATORS, fault=fault)


def wrong_folder(system: System) -> Story:
    """Return the story of a folder of rendered files that is the store no more, as where a share is not mounted."""
    mark, away = system.folder / "artifacts" / marker.NAME, system.folder / "mark"

    def take() -> None:
        mark.rename(away)

    def put_back() -> None:
        away.rename(mark)

    fault = "the mark is taken out of the folder of rendered files, as if its share were not mounted; it is put back"
    return Story("artifacts_wrong", host_name, take, put_back, TO_OPERATORS, fault=fault)


async def _with_database(system: System, work: Callable[[Database], Awaitable[None]]) -> None:
    database = Database(f"sqlite+aiosqlite:///{system.folder / 'mailroom.db'}")
    try:
        await work(database)
    finally:
        await database.close()


def _force(system: System, statement: str) -> None:
    """Run a statement without the triggers that guard the trail, which come back in the same transaction."""
    with closing(sqlite3.connect(system.folder / "mailroom.db", timeout=30, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit_%'"
        triggers = connection.execute(query).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
        for _, sql in triggers:
            connection.execute(sql)
        connection.execute("COMMIT")
