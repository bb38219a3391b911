"""Say what a renderer tells while it works, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailroom.rendering.job import RenderJob
from mailroom.rendering.progress import FIRST_SECONDS, MOST_SECONDS, FileProgress, Meter, Progress
from mailroom.rendering.renderers.single_flight import Flights

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
Make = Callable[..., RenderJob]


@dataclass
class Clock:
    """A clock that goes when it is told to, and what was told by then."""

    seconds: float = 0.0
    told: list[Progress] = field(default_factory=list)

    def meter(self) -> Meter:
        """Return a meter that goes by this clock."""
        return Meter(self.told.append, clock=lambda: self.seconds, now=lambda: NOW)


def test_a_short_rendering_tells_nothing() -> None:
    clock = Clock()
    meter = clock.meter()
    meter.begin("csv")
    meter.read(1000)
    clock.seconds = FIRST_SECONDS / 2
    meter.read(1000)
    meter.end("csv", 2000)
    assert clock.told == []
    assert meter.of("csv") == FileProgress(format="csv", began_at=NOW, ended_at=NOW, rows=2000)


def test_a_long_one_tells_of_its_rows_every_second_and_later_less_often() -> None:
    clock = Clock()
    meter = clock.meter()
    for tick in range(60 * 20):
        clock.seconds = tick / 10
        meter.read(10)
    first_minute = [one for one in clock.told if one.rows <= 600 * 10]
    assert 10 <= len(first_minute) <= 60
    assert 120 / MOST_SECONDS <= len(clock.told) <= 120
    assert [one.rows for one in clock.told] == sorted({one.rows for one in clock.told})


def test_of_a_file_it_tells_at_once() -> None:
    clock = Clock()
    meter = clock.meter()
    clock.seconds = 30
    meter.begin("pdf")
    meter.end("pdf")
    assert [[file.ended_at for file in one.files] for one in clock.told] == [[None], [NOW]]


def test_each_file_knows_when_it_was_made(job_of: Make, reader_of: Callable[..., Any], render_rows: Any) -> None:
    job = job_of([{"kind": "table", "query": "rows"}], ["csv", "html", "xlsx"])
    result = render_rows(job, reader_of(rows={"n": ("integer", [1, 2])}))
    for file in result.files:
        assert file.began_at is not None
        assert file.ended_at is not None
        assert file.began_at <= file.ended_at


async def test_who_joins_a_rendering_is_told_what_the_others_know(job_of: Make, tmp_path: Path) -> None:
    flights, told = Flights(tmp_path / "flights"), list[Progress]()
    [flight], _ = flights.join(job_of([{"kind": "table", "query": "rows"}], ["csv"]))
    flight.told(Progress(rows=5))
    flight.listen(told.append)
    flight.told(Progress(rows=6))
    assert [one.rows for one in told] == [5, 6]
