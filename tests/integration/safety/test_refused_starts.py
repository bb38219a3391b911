"""Every program that production starts ends at once where its settings are unsafe, and names each of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

pytestmark = pytest.mark.timeout(290)
_WORD = re.compile(r"^\s+((?:MAILROOM|PREFECT)_[A-Z_]+) ", re.MULTILINE)
PASSWORD = "changeme"
WRONG = {
    "MAILROOM_MODE": "production",
    "MAILROOM_API_KEY": "short",
    "MAILROOM_DATABASE_URL": f"postgresql://mailroom:{PASSWORD}@db/mailroom",
    "MAILROOM_PREFECT_DATABASE_URL": "sqlite:////var/lib/prefect.db",
    "MAILROOM_PREFECT_API_URL": "http://prefect:4200/api",
    "MAILROOM_PUBLIC_ADDRESS": "http://reports.corp.net",
    "MAILROOM_FRAME_ANCESTORS": "http://portal.corp.net",
    "MAILROOM_TRUSTED_PROXIES": "0.0.0.0/0",
    "MAILROOM_OUTBOUND_ALLOW": "*",
    "MAILROOM_PLAIN_FTP_ALLOW": "::/0",
    "MAILROOM_OWNER_EMAIL": "owner@example.com",
    "PREFECT_DEBUG_MODE": "1",
    "PREFECT_TEST_MODE": "1",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql://prefect:{PASSWORD}@db/prefect",
    "PREFECT_SERVER_ENCRYPTION_KEY": "changeme-changeme-changeme-changeme",
}
"""Everything is wrong, and each program knows but a part of it."""
DEBUGGING = {"PREFECT_DEBUG_MODE", "PREFECT_TEST_MODE"}
OUTBOUND = {"MAILROOM_OUTBOUND_ALLOW", "MAILROOM_PLAIN_FTP_ALLOW"} | DEBUGGING
LOGIN, OWNER, PAGES = "PREFECT_API_AUTH_STRING", "MAILROOM_OWNER_EMAIL", "MAILROOM_PUBLIC_ADDRESS"
OF_API = {
    *("MAILROOM_API_KEY", "MAILROOM_KEY_PEPPER", "MAILROOM_AUDIT_KEY", "PREFECT_SERVER_ENCRYPTION_KEY"),
    *("MAILROOM_DATABASE_URL", "MAILROOM_PREFECT_DATABASE_URL", "MAILROOM_FRAME_ANCESTORS", "MAILROOM_TRUSTED_PROXIES"),
    *(LOGIN, OWNER, PAGES),
}
OF_PREFECT = {"PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_SERVER_ENCRYPTION_KEY"} | DEBUGGING
REFUSED = {
    "api": OF_API | OUTBOUND,
    "worker": {"MAILROOM_DATABASE_URL", LOGIN, PAGES} | OUTBOUND,
    "renderers": {"MAILROOM_DATABASE_URL", PAGES} | OUTBOUND,
    "init": {"MAILROOM_DATABASE_URL", LOGIN, OWNER} | OUTBOUND,
    "prefect server --host 0.0.0.0": {"PREFECT_SERVER_API_AUTH_STRING"} | OF_PREFECT,
    "prefect server": OF_PREFECT,
    "prefect services": OF_PREFECT,
    "prefect upgrade": OF_PREFECT,
}
"""The settings that each program refuses of all those; it refuses no others."""


def _start(command: str, folder: Path, given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("MAILROOM_", "PREFECT_"))}
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *command.split()],
        env={**inherited, "MAILROOM_DATA_DIR": str(folder), "COLUMNS": "400", **given},
        check=False,
        capture_output=True,
        text=True,
        timeout=280,
    )


def _named(done: subprocess.CompletedProcess[str]) -> list[str]:
    return sorted(_WORD.findall(done.stdout + done.stderr))


@pytest.mark.parametrize("command", REFUSED)
def test_a_program_of_production_ends_with_unsafe_settings_and_names_each(command: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    done = _start(command, folder, WRONG)
    assert done.returncode == 2, done.stdout + done.stderr
    assert _named(done) == sorted(REFUSED[command])
    assert f"{len(REFUSED[command])} settings are unsafe in production" in done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    assert not folder.exists(), "nothing was begun"


@pytest.mark.parametrize("command", ["worker", "renderers", "init"])
def test_a_program_of_ours_names_at_once_what_is_missing(command: str, tmp_path: Path) -> None:
    given = {"MAILROOM_MODE": "production", "MAILROOM_OWNER_EMAIL": "operators@corp.net"}
    done = _start(command, tmp_path / "data", given)
    assert done.returncode == 2
    pages = set() if command == "init" else {PAGES}
    assert _named(done) == sorted({"MAILROOM_DATABASE_URL", "MAILROOM_PREFECT_API_URL"} | pages)


def test_an_example_as_the_login_of_prefect_is_refused_also_from_a_file(tmp_path: Path) -> None:
    login = tmp_path / "login"
    login.write_text("admin:pass\n")
    given = {
        "PREFECT_SERVER_API_AUTH_STRING_FILE": str(login),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": "postgresql://prefect:8Jq2nV0sPz@db/prefect",
        "PREFECT_SERVER_ENCRYPTION_KEY": Fernet.generate_key().decode(),
    }
    done = _start("prefect services", tmp_path / "data", given)
    assert done.returncode == 2
    assert _named(done) == ["PREFECT_SERVER_API_AUTH_STRING"]
