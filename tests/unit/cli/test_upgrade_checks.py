"""What keeps `mailroom upgrade` from going on, and what it only tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cli.doctor.finding import Level
from cli.operator.upgrade import checks
from cli.operator.upgrade.checks import LastBackup
from mailroom.storage import migrations
from mailroom.storage.migrations import Step

NOW = datetime(2026, 11, 26, 20, tzinfo=UTC)
STEPS = [Step("0034", "Marks.")]


def _made(ago: timedelta) -> LastBackup:
    return LastBackup(NOW - ago, "/backups/monday")


@pytest.mark.parametrize(
    ("last", "needed", "waived", "level"),
    [
        (_made(timedelta(hours=23)), True, False, Level.OK),
        (_made(timedelta(hours=25)), True, False, Level.PROBLEM),
        (_made(timedelta(hours=25)), True, True, Level.WARNING),
        (None, True, False, Level.PROBLEM),
        (None, False, False, Level.OK),
    ],
)
def test_an_upgrade_wants_a_recent_backup(last: LastBackup | None, needed: bool, waived: bool, level: Level) -> None:
    assert checks.backup(last, NOW, needed=needed, waived=waived).level is level


def test_processes_that_cannot_work_with_the_new_tables_have_to_end_first() -> None:
    running = {"api host-1:17"}
    levels = {there: checks.processes(running, there, "0033", needed=True).level for there in ("0032", "0033", "0034")}
    assert levels == {"0032": Level.PROBLEM, "0033": Level.WARNING, "0034": Level.WARNING}
    assert checks.processes(set(), "0032", "0033", needed=True).level is Level.OK
    assert checks.processes(running, "0032", "0033", needed=False).level is Level.OK


def test_tables_of_a_later_version_are_left_alone() -> None:
    assert checks.tables("9999", "0034", [], known=False).level is Level.PROBLEM
    assert checks.tables("0033", "0034", STEPS, known=True).level is Level.OK
    assert checks.prefect_tables("zzzz", "abcd", known=False).level is Level.PROBLEM
    assert checks.prefect_tables("aaaa", "abcd", known=True).level is Level.WARNING
    assert checks.prefect_tables("abcd", "abcd", known=True).level is Level.OK


def test_a_full_disk_and_another_prefect_are_told() -> None:
    assert checks.space(100, 200).level is Level.PROBLEM
    assert checks.space(200, 200).level is Level.OK
    assert checks.prefect_server("3.7.0", "3.8.8").level is Level.WARNING
    assert checks.prefect_server(None, "3.8.8").level is Level.OK


def test_what_a_database_lacks_is_listed_in_order() -> None:
    every = [step.version for step in migrations.lacking("")]
    assert every == sorted(every)
    assert every[-1] == migrations.newest()
    assert [step.version for step in migrations.lacking("0031")] == [one for one in every if one > "0031"]
    assert migrations.lacking(migrations.newest()) == []
    assert all(step.words for step in migrations.lacking(""))
