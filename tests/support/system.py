"""An embedded Mailroom as a user starts it: `mailroom up` in a folder of its own, with real servers."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg

from embedded.ports import free_ports
from tests.support.prefect_template import lay_out_system
from tests.support.waiting import eventually_sync

_START_SECONDS = 600
"""So long a start may take on a machine that is busy with much else; alone it takes ten seconds."""
PORTS = ("API_PORT", "PREFECT_PORT", "MAIL_WEB_PORT", "MAIL_SMTP_PORT")


class System:
    """An embedded system under `mailroom up`, in a folder of its own; `settings` are environment variables for it."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder, self.settings = folder, dict(settings or {})
        self.ports = dict(zip(PORTS, free_ports("127.0.0.1", len(PORTS)), strict=True))
        self.output = folder.parent / "up.log"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of this system's `mailroom` commands."""
        told = {f"MAILROOM_{name}": str(port) for name, port in self.ports.items()} | self.settings
        return told | {"MAILROOM_DATA_DIR": str(self.folder), "PATH": "/usr/bin:/bin", "HOME": str(self.folder)}

    @contextmanager
    def up(self) -> Iterator[None]:
        """Every process runs while the block does; afterwards none is left."""
        process = self.begin()
        try:
            self.wait_until_ready()
            yield
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0

    def begin(self) -> subprocess.Popen[bytes]:
        """Run `mailroom up` without waiting for anything."""
        lay_out_system(self.folder)
        with self.output.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "cli.main", "up"], env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )

    def wait_until_ready(self) -> None:
        """Wait until the API answers and the worker takes runs."""
        wait_for("the API", lambda: _ok(f"{self.api_root}/readyz"), _START_SECONDS)
        wait_for("the worker", self._worker_online, _START_SECONDS)

    @property
    def api_root(self) -> str:
        return f"http://127.0.0.1:{self.ports['API_PORT']}"

    def api(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        key = (self.folder / "api-key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}

        def ask() -> httpx.Response | None:
            answer = httpx.request(method, f"{self.api_root}/api/v1{path}", json=body, headers=headers, timeout=60)
            # Prefect may be slow on a busy machine. Nothing was changed then, and who asks is to try again.
            is_slow = answer.status_code == 503 != status and answer.json()["type"] == "/problems/unavailable"
            return None if is_slow else answer

        answer: httpx.Response = wait_for(f"an answer to {method} {path}", ask, 120)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def ledger(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        """Return rows of Mailroom's own database, whichever it is on; `?` stands for a value."""
        if url := self.settings.get("MAILROOM_DATABASE_URL"):
            with psycopg.connect(url.replace("+asyncpg", "")) as postgres:
                return postgres.execute(query.replace("?", "%s").encode(), values).fetchall()
        with closing(sqlite3.connect(self.folder / "mailroom.db", timeout=30)) as sqlite:
            return sqlite.execute(query, values).fetchall()

    def expire_sessions(self, role: str) -> None:
        """Let every web session of the person of this role be over, as if its time had passed."""
        user = self.api("GET", f"/users/ext:test-{role}")
        with closing(sqlite3.connect(self.folder / "mailroom.db", timeout=30)) as connection, connection:
            past = "2026-01-01 00:00:00.000000+00:00"
            connection.execute("UPDATE web_sessions SET expires_at = ? WHERE user_id = ?", (past, user["id"]))

    def link(self, role: str) -> str:
        """A fresh one-time link that logs a person of this role in; the person is made if there is none."""
        external_id = f"test-{role}"
        person = {"email": f"{role}@example.com", "name": f"{role.capitalize()} Tester", "role": role}
        key = (self.folder / "api-key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}
        body = {**person, "external_id": external_id, "timezone": "Europe/Berlin"}
        answer = httpx.post(f"{self.api_root}/api/v1/users", json=body, headers=headers, timeout=30)
        assert answer.status_code in {201, 409}, answer.text
        made = self.api("POST", f"/users/ext:{external_id}/links", {"purpose": "login"}, status=201)
        return str(made["link"])

    def _worker_online(self) -> bool:
        url = f"http://127.0.0.1:{self.ports['PREFECT_PORT']}/api/work_pools/mailroom/workers/filter"
        workers = httpx.post(url, json={}, timeout=30).json()
        return any(worker["status"] == "ONLINE" for worker in workers)

    def mails(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{self._mail}/api/messages", timeout=30).json()
        return found

    def attachments(self, mail: dict[str, Any]) -> dict[str, bytes]:
        url = f"{self._mail}/api/messages/{mail['id']}/attachments"
        return {
            part["filename"]: httpx.get(f"{url}/{part['number']}", timeout=30).content
            for part in mail["attachments"]
            if not part["inline"]
        }

    @property
    def _mail(self) -> str:
        return f"http://127.0.0.1:{self.ports['MAIL_WEB_PORT']}"

    def fired(self, schedule_id: str, due: datetime) -> dict[str, Any]:
        """The execution of the occurrence, once it has ended; nobody calls for it, its minute does."""

        def ended() -> dict[str, Any] | None:
            items = self.api("GET", f"/schedules/{schedule_id}/history")["items"]
            mine = [item for item in items if datetime.fromisoformat(item["due_at"]) == due]
            return mine[0] if mine and mine[0]["status"] not in ("pending", "running", "retrying") else None

        found = wait_for(f"the occurrence of {due}", ended, 180)
        detail: dict[str, Any] = self.api("GET", f"/executions/{found['id']}")
        return detail


def _ok(url: str) -> bool:
    try:
        return httpx.get(url, timeout=10).is_success
    except httpx.TransportError:
        return False


def wait_for(what: str, look: Callable[[], Any], seconds: float) -> Any:
    """What `look` finds, as soon as it finds something."""
    return eventually_sync(look, seconds, lambda: f"{what} did not come", pause=0.5)
