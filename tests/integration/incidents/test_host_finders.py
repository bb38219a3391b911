"""A host with a wrong clock or another folder of rendered files is told once by its name, and its end once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from mailroom.heartbeats import repository as heartbeats
from mailroom.heartbeats.spec import WRITER, Beat
from mailroom.incidents.finders.parts import hosts
from mailroom.incidents.finders.registry import Finder
from mailroom.incidents.spec import IncidentKind, Level, Severity, Stage
from mailroom.incidents.words.description import describe
from mailroom.storage.stop_tables import LedgerClock
from mailroom.watching.signs.hosts import HOST, RUNS
from tests.integration.conftest import NOW
from tests.integration.incidents.conftest import DAY, HOLD, HOUR, MINUTE, ON_ONE, SECOND, Ledger

FINDERS = (Finder("hosts", hosts.KINDS, hosts.find),)
ONE, TWO = "api one:1", "api two:2"


@pytest.fixture
async def marked(book: Ledger) -> Ledger:
    """Return a ledger whose store of rendered files is marked."""
    async with book.database.session() as session:
        await session.execute(update(LedgerClock).values(artifact_store="store"))
    return book


async def sees(
    book: Ledger, at: datetime, process: str = TWO, *, ahead: float = 0, mark: str = "store", host: str = "two"
) -> None:
    """Write that a process lives, and what it sees of its host."""
    detail = {"host": host, "ahead": ahead, "mark": mark}
    signs = [Beat(WRITER, process, NOW, at, 40), Beat(HOST, process, NOW, at, 900 if RUNS in process else 40, detail)]
    async with book.database.session() as session:
        await heartbeats.write(session, signs[1:] if process.startswith(RUNS) else signs)


async def open_ones(book: Ledger) -> list[tuple[str, str, Severity]]:
    rows = [row for row in await book.incidents() if row.resolved_at is None]
    return sorted((row.kind, row.subject, Severity(row.severity)) for row in rows)


KINDS = pytest.mark.parametrize(
    ("kind", "ahead", "mark", "severity"),
    [
        (IncidentKind.CLOCK_WRONG, 31.2, "store", Severity.ERROR),
        (IncidentKind.CLOCK_WRONG, -3600.0, "store", Severity.ERROR),
        (IncidentKind.ARTIFACTS_WRONG, 0, "", Severity.CRITICAL),
        (IncidentKind.ARTIFACTS_WRONG, 0, "another", Severity.CRITICAL),
    ],
)


@KINDS
async def test_one_alert_and_one_resolution_name_the_host(
    marked: Ledger, kind: IncidentKind, ahead: float, mark: str, severity: Severity
) -> None:
    book, told = marked, []
    for minute in range(6):
        at = NOW + minute * MINUTE
        await sees(book, at, ONE, host="one")
        await sees(book, at, ahead=ahead, mark=mark)
        for look in (at, at + SECOND, at + HOLD):
            await book.look(look, FINDERS)
            told += await book.tell(look)
    assert [(one.kind, one.subject, one.severity, one.stage, one.level) for one in told] == [
        (kind, "two", severity, Stage.OPENED, Level.OPERATOR)
    ]
    (row,) = await book.incidents()
    assert "two" in describe(row, ()).title
    for minute in range(6, 20):
        at = NOW + minute * MINUTE
        await sees(book, at)
        await book.look(at, FINDERS)
        told += await book.tell(at)
    assert [(one.subject, one.stage) for one in told[1:]] == [("two", Stage.RESOLVED)]


@ON_ONE
async def test_a_clock_within_what_is_allowed_is_a_warning_that_nobody_is_told_of(marked: Ledger) -> None:
    for number, (ahead, found) in enumerate(
        [
            (4.9, []),
            (5.1, [("clock_wrong", "two", Severity.WARNING)]),
            (-29.9, [("clock_wrong", "two", Severity.WARNING)]),
            (30.1, [("clock_wrong", "two", Severity.ERROR)]),
            (2.6, [("clock_wrong", "two", Severity.WARNING)]),
            (2.4, []),
        ]
    ):
        at = NOW + number * MINUTE
        await sees(marked, at, ahead=ahead)
        await marked.look(at, FINDERS)
        assert await open_ones(marked) == found, ahead
        told = await marked.tell(at)
        assert [one.stage for one in told] == {30.1: [Stage.OPENED], 2.4: [Stage.RESOLVED]}.get(ahead, [])


@ON_ONE
async def test_nothing_is_wrong_with_the_folder_before_the_store_is_marked(book: Ledger) -> None:
    await sees(book, NOW, mark="")
    await book.look(NOW, FINDERS)
    assert await book.incidents() == []


@ON_ONE
async def test_a_host_whose_worker_has_another_folder_than_its_api_is_told_steadily(marked: Ledger) -> None:
    await sees(marked, NOW, f"{RUNS} two", mark="")
    for second in range(0, 60, 10):
        at = NOW + timedelta(seconds=second)
        await sees(marked, at)
        await marked.look(at, FINDERS)
        assert await open_ones(marked) == [("artifacts_wrong", "two", Severity.CRITICAL)]
    assert len(await marked.incidents()) == 1


@ON_ONE
async def test_a_host_that_is_started_again_stays_wrong_and_one_that_is_gone_for_a_day_is_forgotten(
    marked: Ledger,
) -> None:
    await sees(marked, NOW, ahead=60, mark="")
    await marked.look(NOW, FINDERS)
    both = [("artifacts_wrong", "two", Severity.CRITICAL), ("clock_wrong", "two", Severity.ERROR)]
    assert await open_ones(marked) == both
    async with marked.database.session() as session:
        await heartbeats.end(session, [TWO])
    await sees(marked, NOW + MINUTE, ONE, host="one")
    for later in (MINUTE, 23 * HOUR):
        await marked.look(NOW + later, FINDERS)
        assert await open_ones(marked) == both
    await marked.look(NOW + DAY + HOUR, FINDERS)
    assert await open_ones(marked) == []
