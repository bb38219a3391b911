"""Checks what must hold after the guide: run in there, it prints each finding, and ends with 1 at a fault."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import httpx

from scripts.guide.systemctl import STATE

ARRIVED = Path("/var/lib/mailroom/first/arrived")
BACKUPS = Path("/var/backups/mailroom")
SITE = "https://127.0.0.1"
NAME = {"Host": "mailroom.example.com"}


def main() -> None:
    """Look at the ways in and at what the guide has made, and end processes as systemd would."""
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
    _hold("the report of the guide has arrived", bool(list(ARRIVED.glob("*.pdf"))))
    _hold("the backups of the guide are whole", len(list(BACKUPS.glob("20*/manifest.json"))) == 2)
    for name, least in (("mailroom-worker@1", "stopped."), ("mailroom-api@8081", "shutdown complete")):
        log = STATE / f"{name}.service.log"
        before = len(log.read_text())
        seconds = _ended(f"{name}.service")
        # It was ended before, too, and may have been killed now.
        _hold(f"{name} ended in order within {seconds:.1f} s of SIGTERM", least in log.read_text()[before:])
    with httpx.Client(verify=False, headers=NAME, timeout=30) as outside:  # noqa: S501  as above
        codes = {outside.get(f"{SITE}/healthz").status_code for _ in range(10)}
    _hold("the other API process answers meanwhile", codes == {200})


def _hold(what: str, holds: bool) -> None:
    print(f"{'ok ' if holds else 'NOT'} {what}", flush=True)  # noqa: T201
    if not holds:
        raise SystemExit(1)


def _ended(unit: str) -> float:
    """End a unit, and return how many seconds that took."""
    began = time.monotonic()
    subprocess.run(["systemctl", "stop", unit], check=True)  # noqa: S607
    return time.monotonic() - began


if __name__ == "__main__":
    main()
