"""The lock of the troubled hour comes, also where Postgres breaks it off as a deadlock at first."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg

from bench.peak.backends import Backend
from bench.troubled.troubles import lock_database
from tests.support.waiting import eventually_sync

_TABLES = ("export_schedules", "schedule_executions", "deliveries", "attempts")


def test_a_lock_that_is_broken_off_is_asked_for_again(fresh_postgres: str, tmp_path: Path) -> None:
    url = fresh_postgres.replace("postgresql+asyncpg://", "postgresql://")
    with psycopg.connect(url, autocommit=True) as other:
        for table in _TABLES:
            other.execute(f"CREATE TABLE {table} (id integer)".encode())
        # The lock gives way as Postgres looks for deadlocks in whoever has waited longest.
        other.execute("SET deadlock_timeout = '60s'")
        other.execute("BEGIN")
        other.execute("SELECT * FROM attempts")
        told: list[str] = []
        locking = threading.Thread(target=lambda: told.append(lock_database(Backend(tmp_path, url), 0.1)))
        locking.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
        eventually_sync(lambda: (row := other.execute(waiting).fetchone()) and row[0], 30)
        other.execute("SELECT * FROM export_schedules")  # The other way round: one of both must give way.
        other.execute("COMMIT")
        locking.join(30)
        assert told
