"""Faults of schedules and of what they send through, each provoked by a far side that really behaves so."""

from __future__ import annotations

import itertools
import sqlite3
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from embedded.ports import free_port
from tests.acceptance.incidents.book import TO_OPERATORS, TO_OWNER, Book
from tests.acceptance.incidents.story import Story
from tests.support.remote.servers import SftpServer
from tests.support.smtp import SmtpServer, smtp_settings
from tests.support.system import System, wait_for

REFUSED = "550 5.1.1 There is nobody of this name"
LATER = "451 4.3.0 Try again later"
_NUMBERS = itertools.count(1)


@dataclass
class Faults:
    """The system, with a mail server that answers as it is told, one that is down, and a server for files."""

    system: System
    book: Book
    mail: SmtpServer
    files: SftpServer
    stack: ExitStack
    dead: SmtpServer = field(default_factory=lambda: SmtpServer(port=free_port("127.0.0.1")))
    ids: dict[str, Any] = field(default_factory=dict)

    def prepare(self) -> None:
        """Make the connections. Each tries again soon, since minutes of waiting prove nothing more."""
        soon = {"retries": {"delays": [3, 3]}}
        for name, server in (("far-mail", self.mail), ("dead-mail", self.dead)):
            self.connection(name, "email", {**smtp_settings(server.port), **soon})
        self.connection("bank", "sftp", self.bank(password="wrong-password"))

    def connection(self, name: str, kind: str, settings: dict[str, Any]) -> None:
        """Make a connection."""
        self.system.api("POST", "/connections", {"name": name, "kind": kind, "settings": settings}, status=201)

    def bank(self, **login: str) -> dict[str, Any]:
        """Return the settings of the server for files, with another login where one is given."""
        server = {"host": "127.0.0.1", "port": self.files.port, "host_key": self.files.host_key}
        return {**server, **self.files.login, **login}

    def schedule(self, destination: dict[str, Any], *, at: str = "0 0 1 1 *", **policy: Any) -> str:
        """Make a schedule, by default of a time that is far away, and return its id."""
        body = {
            "name": f"Punctuality {next(_NUMBERS)}",
            "report_id": "carrier-punctuality",
            "timing": {"frequency": "cron", "expression": at, "timezone": "UTC"},
            "parameters": {"from": "2013-07-01", "to": "2013-07-02", "origin": "JFK"},
            "formats": ["csv"],
            "destinations": [destination],
            "policy": policy,
        }
        return str(self.system.api("POST", "/schedules/", body, status=201)["id"])

    def run(self, schedule_id: str) -> None:
        """Run it now, as a person does."""
        self.system.api("POST", f"/schedules/{schedule_id}/run", status=202)

    def last(self, schedule_id: str) -> dict[str, Any]:
        """Return its latest run."""
        found: dict[str, Any] = self.system.api("GET", f"/schedules/{schedule_id}/history")["items"][0]
        return found

    def id(self, name: str) -> str:
        """Return the id that was kept under a name, or one of nothing."""
        return str(self.ids.get(name, "none yet"))

    # What recovers by itself.

    def recovering(self) -> str:
        """Run a schedule whose mail is refused for the moment, twice; return its id."""
        self.mail.replies["later@example.com"] = [LATER, LATER]
        schedule_id = self.schedule(mail_to("later@example.com"))
        self.run(schedule_id)
        return schedule_id

    # Stories.

    def failing(self) -> Story:
        """Return the story of a wrong SFTP password."""

        def fail() -> None:
            self.ids["failing"] = self.schedule({"channel": "sftp", "connection": "bank"})
            self.run(self.id("failing"))

        def correct() -> None:
            body = {"kind": "sftp", "settings": self.bank()}
            self.system.api("PUT", "/connections/bank", body)
            self.run(self.id("failing"))

        fault = "an SFTP server refuses the password; it is corrected, and the schedule runs"
        return Story("schedule_failing", lambda: self.id("failing"), fail, correct, TO_OWNER, fault=fault)

    def suspended(self) -> Story:
        """Return the story of a recipient who is refused, where one failure suspends the schedule."""

        def fail() -> float:
            self.mail.replies["gone@example.com"] = REFUSED
            at, due = soon()
            self.ids["suspended"] = self.schedule(mail_to("gone@example.com"), at=at, pause_after_failures=1)
            return due

        def resume() -> None:
            self.system.api("POST", f"/schedules/{self.id('suspended')}/resume")

        fault = "a recipient is refused for good, and one failure suspends the schedule; a person resumes it"
        return Story("schedule_suspended", lambda: self.id("suspended"), fail, resume, TO_OWNER, fault=fault)

    def dead_server(self) -> Story:
        """Return the story of a mail server that is down, and through which four schedules send."""

        def fail() -> None:
            destination = mail_to("reader@example.com", connection="dead-mail")
            self.ids["dead"] = [self.schedule(destination, max_attempts=1) for _ in range(4)]
            for schedule_id in self.ids["dead"]:
                self.run(schedule_id)

        def start() -> None:
            self.stack.enter_context(self.dead.in_thread())
            for schedule_id in self.ids["dead"]:
                self.run(schedule_id)

        told = TO_OWNER | TO_OPERATORS
        fault = "a mail server is down, and four schedules fail through it; it is started, and they run"
        return Story("connection_failing", lambda: "dead-mail", fail, start, told, fault=fault)

    def down(self, connection: str, schedules: int) -> Story:
        """Return the story of a mail server that is down while runs wait; who tells it mends it later."""

        def fail() -> None:
            destination = mail_to("reader@example.com", connection=connection)
            for schedule_id in [self.schedule(destination) for _ in range(schedules)]:
                self.run(schedule_id)

        told = TO_OWNER | TO_OPERATORS
        fault = "a mail server is down, and runs wait for it; it comes back"
        return Story("connection_failing", lambda: connection, fail, None, told, fault=fault)

    def refused_by_prefect(self) -> Story:
        """Return the story of a Prefect that refuses each change of one deployment, since its database does."""
        path = self.system.folder / "prefect" / "prefect.db"

        def refuse() -> float:
            schedule_id = self.ids["stuck"] = self.schedule(mail_to("reader@example.com"))
            wait_for("Prefect to have it", lambda: self._sync(schedule_id) == "synced", 60)
            with closing(sqlite3.connect(path, timeout=30)) as database, database:
                database.execute(
                    f"CREATE TRIGGER refuse_one BEFORE UPDATE ON deployment WHEN NEW.name = '{schedule_id}' "
                    "AND NEW.description IS NOT OLD.description BEGIN SELECT RAISE(ABORT, 'refused'); END"
                )
            self.system.api("PATCH", f"/schedules/{schedule_id}", {"name": "Another name"})
            return time.monotonic()

        def allow() -> None:
            with closing(sqlite3.connect(path, timeout=30)) as database, database:
                database.execute("DROP TRIGGER refuse_one")

        told = TO_OWNER | TO_OPERATORS
        fault = "Prefect refuses the change of a deployment (409); then it no longer does, and Mailroom tries again"
        return Story("sync_stuck", lambda: self.id("stuck"), refuse, allow, told, fault=fault)

    def behind(self) -> Story:
        """Return the story of a work pool that is paused by hand, with a schedule that is due and then expires."""

        def pause() -> float:
            at, due = soon()
            self.ids["missed"] = self.schedule(mail_to("reader@example.com"), at=at, expires_after="PT20S")
            self._pause_pool(paused=True)
            return due

        fault = "the work pool is paused in Prefect; 30 s is what may wait (the default is 300 s)"
        return Story(
            "queue_behind", lambda: "mailroom", pause, lambda: self._pause_pool(paused=False), TO_OPERATORS, fault=fault
        )

    def missed(self, behind: Story) -> Story:
        """Return the story of the schedule that was due meanwhile, and begins too late."""
        fault = "the run begins after `expires_after`, since its pool was paused; the next run delivers"
        begin = time.monotonic
        return Story(
            "occurrence_missed",
            lambda: self.id("missed"),
            begin,
            lambda: self.run(self.id("missed")),
            TO_OWNER,
            fault=fault,
            follows=behind,
        )

    def _pause_pool(self, *, paused: bool) -> None:
        url = f"http://127.0.0.1:{self.system.ports['PREFECT_PORT']}/api/work_pools/mailroom"
        httpx.patch(url, json={"is_paused": paused}, timeout=10).raise_for_status()

    def _sync(self, schedule_id: str) -> str:
        return str(self.system.api("GET", f"/schedules/{schedule_id}")["sync"]["state"])


def soon() -> tuple[str, float]:
    """Return a cron expression of a minute that is near, and that moment on the monotonic clock.

    Only runs that are due by themselves count towards a suspension, and only they can be missed.
    """
    due = (datetime.now(UTC) + timedelta(seconds=75)).replace(second=0, microsecond=0)
    at = f"{due.minute} {due.hour} {due.day} {due.month} *"
    return at, time.monotonic() + (due - datetime.now(UTC)).total_seconds()


def mail_to(address: str, *, connection: str = "far-mail") -> dict[str, Any]:
    """Return a destination."""
    return {"channel": "email", "connection": connection, "to": [address]}


def digests(book: Book, word: str) -> list[str]:
    """Return the subjects of the mails to the owner that have this word and belong to no incident."""
    found = []
    for mail in book.system.mails():
        url = f"http://127.0.0.1:{book.system.ports['MAIL_WEB_PORT']}/api/messages/{mail['id']}"
        if mail["recipients"] == ["owner@example.com"] and word in httpx.get(url, timeout=10).json()["text"]:
            found.append(str(mail["subject"]))
    return found
