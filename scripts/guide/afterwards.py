"""What must hold when the guide was followed: run in there, it prints each finding, and ends with 1 at a fault."""

from __future__ import annotations

import os
import pwd
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from scripts.guide.systemctl import STATE

KEY = Path("/etc/mailroom/secrets/api-key")
PLACE = Path("/var/lib/mailroom/tried")
SITE = "https://127.0.0.1"
NAME = {"Host": "mailroom.example.com"}


def main() -> None:
    """Look at the ways in, deliver a report, and end processes as systemd would."""
    with httpx.Client(verify=False, headers=NAME, timeout=30) as outside:  # noqa: S501  the certificate is made up
        for path, status in (("/healthz", 200), ("/readyz", 404), ("/metrics", 404)):
            _hold(f"{path} answers {status} outside", outside.get(SITE + path).status_code == status)
        # Each of these is a page of Prefect's, or its API's.
        for path in ("/api/health", "/api/admin/version", "/api/block_documents/filter", "/runs"):
            found = outside.get(SITE + path)
            _hold(f"nothing of Prefect is at {path}", not found.is_success and "prefect" not in found.text.lower())
        sent = outside.get(f"{SITE}/login", headers={"X-Forwarded-For": "203.0.113.9"})
        _hold("security headers are there once", len(sent.headers.get_list("content-security-policy")) == 1)
        large = outside.post(f"{SITE}/api/v1/reports", content=b"x" * 13_000_000)
        _hold("a body of 13 MB is refused by the proxy", large.status_code == 413)
    _hold("Prefect's pages are there for operators", "<title>" in httpx.get("http://127.0.0.1:4210/").text)
    _delivered()
    for name, least in (("mailroom-worker@1", "stopped."), ("mailroom-api@8081", "shutdown complete")):
        seconds = _ended(f"{name}.service")
        log = (STATE / f"{name}.service.log").read_text()
        _hold(f"{name} ended in order within {seconds:.1f} s of SIGTERM", least in log)
    with httpx.Client(verify=False, headers=NAME, timeout=30) as outside:  # noqa: S501  as above
        codes = {outside.get(f"{SITE}/healthz").status_code for _ in range(10)}
    _hold("the other API process answers meanwhile", codes == {200})


def _hold(what: str, holds: bool) -> None:
    print(f"{'ok ' if holds else 'NOT'} {what}", flush=True)  # noqa: T201
    if not holds:
        raise SystemExit(1)


def _delivered() -> None:
    owner = pwd.getpwnam("mailroom")
    PLACE.mkdir(exist_ok=True)
    with closing(sqlite3.connect(PLACE / "orders.db")) as connection, connection:
        connection.execute("CREATE TABLE orders (region TEXT, amount INTEGER)")
        connection.execute("INSERT INTO orders VALUES ('EMEA', 1200)")
    for path in (PLACE, PLACE / "orders.db"):
        os.chown(path, owner.pw_uid, owner.pw_gid)
    headers = {"Authorization": f"Bearer {KEY.read_text().strip()}"}
    with httpx.Client(base_url="http://127.0.0.1:8080/api/v1", headers=headers, timeout=60) as client:

        def call(method: str, path: str, body: Any = None) -> Any:
            answer = client.request(method, path, json=body)
            if not answer.is_success:
                _hold(f"{method} {path}: {answer.text}", False)
            return answer.json()

        url = f"sqlite:///{PLACE / 'orders.db'}"
        call("POST", "/connections", {"name": "orders", "kind": "sql", "settings": {"url": url}})
        call("POST", "/connections", {"name": "here", "kind": "folder", "settings": {"root": str(PLACE)}})
        call("POST", "/reports", _report())
        made = call("POST", "/schedules/", _schedule())
        began = call("POST", f"/schedules/{made['id']}/run")
        found = _until(lambda: _done(call("GET", f"/executions/{began['id']}")), 120)
    _hold(f"a report is delivered: {found['status']}", found["status"] == "success")
    _hold("its file is there", bool(list(PLACE.rglob("*.pdf"))))


def _report() -> dict[str, Any]:
    queries = {"orders": "SELECT region, amount FROM orders"}
    return {
        "id": "orders",
        "title": "Orders",
        "source": {"kind": "sql", "connection": "orders", "queries": queries},
        "parameters": {"type": "object", "properties": {}},
        "sections": [{"kind": "table", "heading": "Orders", "query": "orders"}],
        "formats": ["pdf"],
    }


def _schedule() -> dict[str, Any]:
    return {
        "name": "Orders",
        "report_id": "orders",
        "timing": {"frequency": "daily", "at": "09:00"},
        "formats": ["pdf"],
        "destinations": [{"channel": "folder", "connection": "here"}],
    }


def _done(execution: dict[str, Any]) -> dict[str, Any] | None:
    return None if execution["status"] in {"pending", "running", "retrying"} else execution


def _until(look: Callable[[], Any], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            _hold(f"something came within {seconds:g} s", False)
        time.sleep(0.3)
    return found


def _ended(unit: str) -> float:
    """End a unit as systemd does, and return how many seconds that took."""
    pid, began = int((STATE / f"{unit}.pid").read_text()), time.monotonic()
    os.kill(pid, signal.SIGTERM)
    _until(lambda: not _lives(pid), 60)
    return time.monotonic() - began


def _lives(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    main()
