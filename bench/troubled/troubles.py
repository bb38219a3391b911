"""The troubles that come while deliveries are under way. Each begins when so large a part of the mails has arrived."""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

import psutil

from bench.peak.backends import Backend
from bench.peak.waiting import say, wait_for
from bench.troubled.options import Options
from bench.troubled.system import System

_TABLES = "export_schedules, schedule_executions, deliveries, attempts"
_LOOK_SECONDS, _LOOKS = 0.02, 3000


def lock_database(backend: Backend, seconds: float) -> str:
    """Keep everybody else from writing for so long; on Postgres, from reading too."""
    if backend.postgres:
        _lock_postgres(backend, seconds)
    else:
        with closing(sqlite3.connect(backend.folder / "mailroom.db", timeout=60, isolation_level=None)) as lite:
            lite.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
            lite.execute("ROLLBACK")
    return f"our database was locked for {seconds:g} s"


def _lock_postgres(backend: Backend, seconds: float) -> None:
    """Lock the tables, and begin again where Postgres breaks that off, since others hold some and want the others."""
    import psycopg  # noqa: PLC0415  only with BACKEND=postgres

    with psycopg.connect(backend.postgres.format(name="mailroom")) as connection:
        while True:
            try:
                connection.execute(f"LOCK TABLE {_TABLES} IN ACCESS EXCLUSIVE MODE".encode())
                break
            except psycopg.errors.DeadlockDetected:
                connection.rollback()
        time.sleep(seconds)
        connection.rollback()


def restart_prefect(system: System) -> str:
    """End Prefect, and start it again."""
    began = time.monotonic()
    system.prefect.stop()
    system.prefect.start()
    return f"Prefect was restarted, and away for {time.monotonic() - began:.0f} s"


def stop_a_child(system: System, seconds: float, *, holder: bool) -> str:
    """Stop a process of the worker for so long, and let it go on.

    Args:
        holder: on SQLite, stop one that holds the write lock, so that nobody can write meanwhile. Otherwise one is
            stopped that is in the middle of sending and does not hold it, so that the others go on without it.
    """
    holder = holder and not system.backend.postgres
    for _ in range(_LOOKS):
        child = system.writing_child() if holder else system.sending_child()
        if child and _stopped(system, child, holder=holder):
            try:
                time.sleep(seconds)
            finally:
                child.send_signal(signal.SIGCONT)
            doing = "with SQLite's write lock" if holder else "in the middle of sending"
            return f"process {child.pid} of the worker was stopped {doing} for {seconds:g} s"
        time.sleep(_LOOK_SECONDS)
    raise RuntimeError("No process of the worker was found that could be stopped.")


def _stopped(system: System, child: psutil.Process, *, holder: bool) -> bool:
    """Stop the process, unless it has gone on to something else meanwhile."""
    try:
        child.send_signal(signal.SIGSTOP)
        wait_for("The stop", lambda: child.status() == psutil.STATUS_STOPPED, 5, every=0.005)
        writes = system.writer() == child.pid
        if writes if holder else (system.is_sending(child) and not writes):
            return True
        child.send_signal(signal.SIGCONT)
    except psutil.NoSuchProcess:
        return False
    return False


@dataclass
class Trouble:
    """Something that goes wrong once `share` of the mails has arrived; `told` says what it was, once it is over."""

    share: float
    make: Callable[[], str]
    told: str = ""
    failed: str = ""
    thread: threading.Thread | None = field(default=None, repr=False)

    @property
    def is_over(self) -> bool:
        """Tell whether it has come and gone."""
        return self.thread is not None and not self.thread.is_alive()

    def begin(self) -> None:
        """Let it happen, in a thread of its own."""
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.told = self.make()
        except (Exception, SystemExit) as error:
            self.failed = f"{type(error).__name__}: {error}"
        say(self.told or f"A trouble could not be made: {self.failed}")


def planned(system: System, options: Options) -> list[Trouble]:
    """Return the troubles of a run: three locks, a stopped child, a restart."""

    def lock() -> str:
        return lock_database(system.backend, options.lock_seconds)

    return [
        Trouble(0.05, lock),
        Trouble(0.15, lambda: stop_a_child(system, options.stop_seconds, holder=options.stop_holder)),
        Trouble(0.30, lock),
        Trouble(0.45, lambda: restart_prefect(system)),
        Trouble(0.65, lock),
    ]
