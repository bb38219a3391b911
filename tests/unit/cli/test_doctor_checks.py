"""What the doctor concludes from what it finds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.doctor import machine, parts, services
from cli.doctor.finding import Level
from mailroom.settings import Settings
from mailroom.watching.checks.spec import Check, CheckName, State

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("found", "level"), [((3, 10), "problem"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "problem")]
)
def test_python(found: tuple[int, int], level: str) -> None:
    assert machine.python_version(found).level == level


def test_packages_are_compared_with_the_lock() -> None:
    locked = machine.pins("prefect==3.8.8 \\\n    --hash=sha256:00\nfastapi==0.150.0 ; python_version > '3'\n")
    found = machine.packages(locked, {"prefect": "3.8.8", "fastapi": "0.160.0", "sqlalchemy": None})

    assert [finding.level for finding in found] == [Level.OK, Level.PROBLEM, Level.PROBLEM]
    assert "the lock file has 0.150.0" in found[1].message
    assert found[2].remedy == "Run `make setup`."


def test_a_clock_before_the_checkout_is_wrong() -> None:
    assert machine.clock(NOW, NOW - timedelta(days=1)).level is Level.OK
    assert machine.clock(NOW - timedelta(days=2), NOW).level is Level.PROBLEM


def test_a_folder_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path})
    tmp_path.chmod(0o755)
    assert machine.data_folder(settings)[0].level is Level.WARNING
    tmp_path.chmod(0o700)
    assert machine.data_folder(settings)[0].level is Level.OK


def test_no_pool_no_key() -> None:
    assert services.work_pool("mailroom", 404).level is Level.PROBLEM
    assert services.api_status(401).remedy
    assert services.api_status(200).level is Level.OK


@pytest.mark.parametrize(
    ("state", "level"), [("ok", "ok"), ("warning", "warning"), ("problem", "problem"), ("unknown", "warning")]
)
def test_the_checks_of_readyz_are_findings(state: str, level: str) -> None:
    check = Check(CheckName.QUEUE, State(state), "found", "do", since=NOW, detail="host")
    (finding,) = parts.findings([check])
    assert (finding.check, finding.level, finding.remedy) == ("queue", level, "do")
    assert "2026-06-01 12:00:00 UTC" in finding.message
    assert "host" in finding.message


def test_the_renderers_here_work() -> None:
    found = {finding.check: finding.level for finding in machine.everything(Settings())}

    assert found["PDF (typst)"] is found["charts (vl-convert)"] is found["time zones"] is Level.OK


def test_a_renderer_that_fails_is_a_problem_with_its_words() -> None:
    def broken() -> str:
        raise OSError("no fonts")

    finding = machine._tried("PDF", broken)

    assert finding.level is Level.PROBLEM
    assert "no fonts" in finding.message
