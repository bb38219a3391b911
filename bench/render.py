"""Measures the renderers: `python -m bench.render [--repeat 3] [--only csv_1m,pdf_1k]`, or `make bench-render`.

Each case runs in a fresh process, from a SQLite database made once, through the real SQL source. Seconds are the whole
of the work inside that process, imports and query too; memory is its peak resident size. The medians go to
bench/out/render.json.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent / "out" / "render.json"
PDF = ["flight", "carrier", "origin", "dest", "departed", "delay"]
WIDE = ["id", "flight", "carrier", "origin", "dest", "departed", "day", "delay", "distance", "fare"]
NARROW = [*WIDE[:6], "delay", "distance"]


@dataclass(frozen=True)
class Case:
    """The work of one process: render `format_` from the first `rows` rows of these columns."""

    name: str
    format_: str
    rows: int
    columns: list[str]


@dataclass(frozen=True)
class Figure:
    """The measurements of one case: a row of the result file."""

    case: str
    rows: int
    seconds: float
    peak_rss_mb: float
    bytes: int


CASES = [
    Case("pdf_1k", "pdf", 1_000, PDF),
    Case("xlsx_100k", "xlsx", 100_000, WIDE),
    Case("xlsx_1m", "xlsx", 1_000_000, WIDE),
    *(
        Case(f"{format_}_{size}", format_, rows, NARROW)
        for format_ in ("csv", "json", "parquet")
        for size, rows in (("100k", 100_000), ("1m", 1_000_000))
    ),
]


def make_database(path: Path, rows: int) -> None:
    """Fill a SQLite table of flights with `rows` rows of ten typed columns; the same rows each time."""
    dice = random.Random(2013)
    start = datetime(2013, 1, 1, tzinfo=UTC)
    carriers = ["United Air Lines Inc.", "JetBlue Airways", "Delta Air Lines Inc.", "Envoy Air", "ExpressJet Airlines"]
    airports = ["JFK", "LGA", "EWR", "LAX", "ORD", "ATL", "BOS", "SFO"]

    def row(number: int) -> tuple[Any, ...]:
        moment = start + timedelta(minutes=number % 525_600)
        delay = dice.randrange(-20, 400)
        return (
            number, dice.randrange(1, 8_000), dice.choice(carriers), dice.choice(airports), dice.choice(airports),
            f"{moment:%Y-%m-%d %H:%M:%S}", f"{moment:%Y-%m-%d}", delay, dice.randrange(90, 5_000),
            round(dice.uniform(40, 900), 2),
        )  # fmt: skip

    with sqlite3.connect(path) as database:
        database.execute(
            "create table flights (id integer, flight integer, carrier text, origin text, dest text, departed text,"
            " day text, delay integer, distance integer, fare real)"
        )
        database.executemany("insert into flights values (?,?,?,?,?,?,?,?,?,?)", map(row, range(rows)))
    database.close()


def run_case(case: Case, database: Path, folder: Path) -> Figure:
    """Render the case in this process, which must be fresh."""
    started = time.perf_counter()
    from mailroom.rendering.job import RenderJob  # noqa: PLC0415 - see above
    from mailroom.rendering.render import render_here  # noqa: PLC0415 - see above
    from mailroom.reports.spec import ReportDefinition  # noqa: PLC0415 - its time counts

    shapes = {"departed": {"format": "datetime"}, "day": {"format": "date"}, "fare": {"format": "money"}}
    definition = ReportDefinition.model_validate(
        {
            "id": "flights",
            "title": "Flights",
            "source": {
                "kind": "sql",
                "connection": "bench",
                "queries": {"flights": f"select {', '.join(case.columns)} from flights limit {case.rows}"},
            },
            "sections": [
                {
                    "kind": "table",
                    "query": "flights",
                    "columns": [{"name": name, **shapes.get(name, {})} for name in case.columns],
                }
            ],
            "formats": [case.format_],
        }
    )
    job = RenderJob.model_validate(
        {
            "definition": definition,
            "parameters": {},
            "formats": [case.format_],
            "due_at": datetime(2013, 2, 1, tzinfo=UTC),
            "timezone": "America/New_York",
            "access": {"kind": "sql", "url": f"sqlite:///{database}", "statement_timeout": 600},
            "folder": folder,
        }
    )
    file = render_here(job).files[0]
    seconds = time.perf_counter() - started
    if file.rows not in (None, case.rows):
        raise RuntimeError(f"{case.name}: {file.rows} rows instead of {case.rows}.")
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    return Figure(case.name, case.rows, round(seconds, 3), round(peak, 1), file.size)


def measure(case: Case, database: Path, repeat: int) -> Figure:
    """The medians of `repeat` fresh processes."""
    figures = []
    for _ in range(repeat):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "bench.render", "--case", case.name, str(database), folder]
            done = subprocess.run(command, check=True, capture_output=True, timeout=900)
            figures.append(Figure(**json.loads(done.stdout)))
    return Figure(
        case.name,
        case.rows,
        statistics.median(figure.seconds for figure in figures),
        statistics.median(figure.peak_rss_mb for figure in figures),
        figures[0].bytes,
    )


def main() -> None:
    """Run one case and print its figure as JSON, or run them all and write the result file."""
    parser = argparse.ArgumentParser(description="Measure the renderers.")
    parser.add_argument("--case", nargs=3, metavar=("NAME", "DATABASE", "FOLDER"), help="one case, in this process")
    parser.add_argument("--repeat", type=int, default=1, help="fresh processes a case; the medians are kept")
    parser.add_argument("--only", default="", help="names of cases, comma-separated; the result file is left alone")
    asked = parser.parse_args()
    if asked.case:
        name, database, folder = asked.case
        case = next(case for case in CASES if case.name == name)
        print(json.dumps(asdict(run_case(case, Path(database), Path(folder)))))
        return
    cases = [case for case in CASES if not asked.only or case.name in asked.only.split(",")]
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "flights.sqlite"
        print("Making the data …", flush=True)
        make_database(database, max(case.rows for case in cases))
        print(f"{'case':16}{'rows':>10}{'seconds':>10}{'rows/s':>11}{'peak MB':>9}{'bytes':>13}")
        for case in cases:
            figure = measure(case, database, asked.repeat)
            figures.append(figure)
            speed = figure.rows / figure.seconds
            print(
                f"{figure.case:16}{figure.rows:>10,}{figure.seconds:>10.2f}{speed:>11,.0f}"
                f"{figure.peak_rss_mb:>9.1f}{figure.bytes:>13,}",
                flush=True,
            )
    if not asked.only:
        OUT.parent.mkdir(exist_ok=True)
        OUT.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")
        print(f"Written to {OUT}.")


if __name__ == "__main__":
    main()
