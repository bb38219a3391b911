"""What the doctor concludes from what it finds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.doctor import machine, services
from cli.doctor.finding import Level
from mailroom.settings import Settings

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


@pytest.mark.parametrize(("free", "level"), [(199, "problem"), (200, "warning"), (999, "warning"), (1000, "ok")])
def test_disk(free: int, level: str) -> None:
    assert machine.disk_space(free, 200).level == level


def test_a_clock_before_the_checkout_is_wrong() -> None:
    assert machine.clock(NOW, NOW - timedelta(days=1)).level is Level.OK
    assert machine.clock(NOW - timedelta(days=2), NOW).level is Level.PROBLEM


def test_a_folder_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path})
    tmp_path.chmod(0o755)
    assert machine.data_folder(settings)[0].level is Level.WARNING
    tmp_path.chmod(0o700)
    assert machine.data_folder(settings)[0].level is Level.OK


def test_prefect_of_another_version_is_a_problem() -> None:
    assert services.versions("3.8.8", "3.8.8").level is Level.OK
    assert services.versions("3.8.7", "3.8.8").level is Level.PROBLEM


@pytest.mark.parametrize(
    ("header", "level"),
    [
        ("Mon, 01 Jun 2026 12:00:03 GMT", "ok"),
        ("Mon, 01 Jun 2026 13:00:00 GMT", "problem"),
        ("yesterday", "warning"),
        ("", "warning"),
    ],
)
def test_clocks_that_differ(header: str, level: str) -> None:
    assert services.skew(NOW, header).level == level


@pytest.mark.parametrize(("age", "level"), [(10, "ok"), (89, "ok"), (91, "problem")])
def test_a_worker_that_is_silent_is_offline(age: int, level: str) -> None:
    heard = (NOW - timedelta(seconds=age)).isoformat()

    assert services.worker([{"name": "w", "last_heartbeat_time": heard}], NOW).level == level


def test_no_worker_no_pool_no_key() -> None:
    assert services.worker([], NOW).level is Level.PROBLEM
    assert services.work_pool("mailroom", 404).level is Level.PROBLEM
    assert services.api_status(401).remedy
    assert services.api_status(200).level is Level.OK


def test_the_renderers_here_work() -> None:
    found = {finding.check: finding.level for finding in machine.everything(Settings())}

    assert found["PDF (typst)"] is found["charts (vl-convert)"] is found["time zones"] is Level.OK


def test_a_renderer_that_fails_is_a_problem_with_its_words() -> None:
    def broken() -> str:
        raise OSError("no fonts")

    finding = machine._tried("PDF", broken)

    assert finding.level is Level.PROBLEM
    assert "no fonts" in finding.message
