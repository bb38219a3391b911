"""The `mailroom` command itself: quick help, errors in words, exit status."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

HEAVY = ("prefect", "sqlalchemy", "fastapi", "pydantic", "httpx", "uvicorn", "alembic")


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli.main", *arguments]
    merged = {**os.environ, **environment}
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=merged)


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom cli.main import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)

    assert "LOADED []" in done.stdout, done.stdout + done.stderr
    for command in ("up", "init", "doctor", "demo", "reports", "schedules", "run", "stop", "resume"):
        assert command in done.stdout


def test_help_is_far_quicker_than_importing_prefect() -> None:
    """A ratio, since machines differ: help must cost less than a third of what Prefect alone does."""

    def seconds(*command: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, capture_output=True, timeout=60)
        return time.perf_counter() - began

    with_help = min(seconds("-m", "cli.main", "--help") for _ in range(3))

    assert with_help < min(seconds("-c", "import prefect.client.orchestration") for _ in range(2)) / 3


def test_a_wrong_setting_is_told_by_name_without_a_traceback() -> None:
    done = _run("reports", "list", MAILROOM_API_PORT="banana")

    assert done.returncode == 2
    assert "MAILROOM_API_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback() -> None:
    done = _run("reports", "list", MAILROOM_API_PORT="banana", MAILROOM_DEBUG="1")

    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ConfigurationError" in done.stderr


def test_missing_tables_are_told_with_the_remedy(tmp_path: Path) -> None:
    done = _run("reports", "list", MAILROOM_DATA_DIR=str(tmp_path))

    assert done.returncode == 1
    assert "mailroom init" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_api_that_does_not_answer_is_told_with_its_address(tmp_path: Path, unused_port: int) -> None:
    done = _run("schedules", "list", MAILROOM_DATA_DIR=str(tmp_path), MAILROOM_API_PORT=str(unused_port),
                MAILROOM_API_KEY="k" * 32)  # fmt: skip

    assert done.returncode == 1
    assert f"127.0.0.1:{unused_port}" in done.stderr
    assert "mailroom up" in done.stderr


def test_a_missing_key_is_told_with_its_place(tmp_path: Path) -> None:
    done = _run("schedules", "list", MAILROOM_DATA_DIR=str(tmp_path), MAILROOM_API_KEY="")

    assert done.returncode == 2
    assert "MAILROOM_API_KEY" in done.stderr


def test_reports_check_names_file_and_line(tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "report.yaml").write_text("title: Broken\nformats: [pdf]\nsource:\n  kind: carrier-pigeon\n")

    done = _run("reports", "check", str(tmp_path))

    assert done.returncode == 1
    assert "report.yaml:" in done.stdout.replace("\n", "")
    assert "Traceback" not in done.stderr
