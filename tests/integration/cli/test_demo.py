"""`mailroom demo --once`, for real: twice on one folder, the second time with a port in use."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from embedded import ports
from tests.support.processes import with_variable

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("embedded"), pytest.mark.timeout(900)]


def _demo(folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MAILROOM_", "PREFECT_"))}
    environment = {**inherited, "MAILROOM_DATA_DIR": str(folder), **changes}
    command = [sys.executable, "-m", "cli.main", "demo", "--once"]
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=400)


def test_the_demo_proves_every_file_and_can_be_repeated(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    free = ports.free_ports("127.0.0.1", len(ports.PORT_FIELDS))
    chosen = {f"MAILROOM_{name.upper()}": str(port) for name, port in zip(ports.PORT_FIELDS, free, strict=True)}
    first = _demo(folder, **chosen)
    assert first.returncode == 0, first.stdout + first.stderr

    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # The first demo's connections linger.
        server.bind(("127.0.0.1", int(chosen["MAILROOM_MAIL_SMTP_PORT"])))
        server.listen()
        second = _demo(folder, **chosen)
    assert second.returncode == 0, second.stdout + second.stderr

    assert f"Port {chosen['MAILROOM_MAIL_SMTP_PORT']} is in use" in second.stdout
    for done in (first, second):
        for name in ("carrier-punctuality.pdf", "carrier-punctuality.xlsx", "carrier-punctuality.csv"):
            assert f"mail: {name}" in done.stdout
        assert "signed webhook: delay-list.csv" in done.stdout
        assert len(re.findall(r"\b[0-9a-f]{12}\b", done.stdout)) >= 6
        assert "Missing" not in done.stderr
        for role in ("admin", "creator", "viewer"):
            assert re.search(rf"{role}  http://127\.0\.0\.1:\d+/login/link\?token=\S{{43}}", done.stdout)
    assert with_variable("MAILROOM_DATA_DIR", str(folder)) == []
