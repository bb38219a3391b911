"""The SQL reader on a real SQLite file: what it reads, and that nothing can make it write."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from mailroom.rendering.job import Limits
from mailroom.rendering.sources import open_reader
from mailroom.reports.spec import ReportDefinition
from prefect_mailroom.errors import ConfigurationError, SourceRefused, SourceUnavailable
from prefect_mailroom.sources.engine import Deadline, read_only, translated
from prefect_mailroom.sources.sql import SqlSource

PROPERTIES = {
    "name": {"type": "string"},
    "day": {"type": "string", "format": "date"},
    "least": {"type": ["integer", "null"]},
}
ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) as many from n"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "shop 100%?#.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("create table sales (day text, name text, amount real, pieces integer, picture blob)")
        connection.executemany(
            "insert into sales values (?, ?, ?, ?, ?)",
            [
                ("2026-01-01", "it's :name", 1.5, 1, None),
                ("2026-01-02", "%s", 2, None, b"x"),
                ("2026-01-03", None, 0, 3, None),
            ],
        )
        connection.commit()
    return file


def read(
    database: Path, sql: str, parameters: dict[str, Any] | None = None, *, seconds: float = 20, rows: int = 1000
) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
    definition = ReportDefinition.model_validate(
        {
            "id": "test",
            "title": "Test",
            "formats": ["csv"],
            "source": {"kind": "sql", "connection": "shop", "queries": {"main": sql}},
            "parameters": {"type": "object", "properties": PROPERTIES},
        }
    )
    access = {"kind": "sql", "url": f"sqlite:///{_quoted(database)}", "statement_timeout": seconds}
    with (
        open_reader(definition, access, parameters or {}, Limits(rows=rows)) as reader,
        reader.rows("main") as found,
    ):
        return [(column.name, column.kind) for column in found.columns], [row for b in found.batches() for row in b]


def _quoted(database: Path) -> str:
    # In a SQLAlchemy URL only '?' must be written otherwise.
    return str(database).replace("%", "%25").replace("?", "%3F")


def test_rows_and_kinds(tmp_path: Path, database: Path) -> None:
    plain = database.rename(tmp_path / "shop.db")
    columns, rows = read(plain, "select * from sales order by day")
    assert columns == [
        ("day", "text"),
        ("name", "text"),
        ("amount", "decimal"),
        ("pieces", "integer"),
        ("picture", "binary"),
    ]
    assert rows[0] == ("2026-01-01", "it's :name", 1.5, 1, None)
    assert type(rows[0]) is tuple


def test_a_name_with_odd_characters_is_the_file_itself(database: Path) -> None:
    assert read(database.rename(database.with_name("a b#c.db")), "select count(*) as n from sales")[1] == [(3,)]


@pytest.fixture
def shop(tmp_path: Path, database: Path) -> Path:
    return database.rename(tmp_path / "shop.db")


def test_security_19_values_are_bound_and_never_part_of_the_sql(shop: Path) -> None:
    sql = "select day from sales where name = :name -- :name\n or name = ':name' or :name is null"
    assert read(shop, sql, {"name": "it's :name"})[1] == [("2026-01-01",)]
    assert read(shop, sql, {"name": "x' or 1=1 --"})[1] == []
    assert len(read(shop, sql, {})[1]) == 3


def test_percent_signs_and_colons_stay(shop: Path) -> None:
    assert read(shop, r"select '100%s \: 12:30 %' as a from sales where name like '\%s' escape '\'")[1] == [
        (r"100%s \: 12:30 %",)
    ]


def test_dates_are_iso_texts(shop: Path) -> None:
    assert read(shop, "select day from sales where day > :day", {"day": "2026-01-02"})[1] == [("2026-01-03",)]


def test_no_rows_still_have_columns(shop: Path) -> None:
    assert read(shop, "select day, name from sales where 1 = 0") == ([("day", "text"), ("name", "text")], [])


def test_batches_are_tuples_of_limited_number(shop: Path) -> None:
    many = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000) select i from n"
    assert [row[0] for row in read(shop, many, rows=10_000)[1]] == list(range(1, 10_001))
    with pytest.raises(SourceRefused, match="more than 9,999 rows"):
        read(shop, many, rows=9_999)


def past_the_lint(database: Path, sql: str) -> None:
    """Run a statement without our own look at it: what is left is what the database refuses."""
    deadline = Deadline(5)
    with read_only(f"sqlite:///{database}", deadline) as connection, translated(deadline), deadline:
        connection.execute(text(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "delete from sales",
        "select 1; delete from sales",
        "with x as (select 1) delete from sales",
        "attach database '{other}' as other",
        "pragma user_version = 5",
        "vacuum into '{other}'",
        "create table t (a)",
        "commit",
    ],
)
@pytest.mark.parametrize("guard", ["reader", "engine"])
def test_security_19_nothing_writes(shop: Path, tmp_path: Path, sql: str, guard: str) -> None:
    before = shop.read_bytes()
    sql = sql.format(other=tmp_path / "other.db")
    with pytest.raises(SourceRefused) as caught:
        (read if guard == "reader" else past_the_lint)(shop, sql)
    assert caught.value.remedy
    assert shop.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["shop.db"]


def test_no_extension_is_loaded(shop: Path) -> None:
    with pytest.raises(SourceRefused, match=r"authorized|prohibited"):
        read(shop, "select load_extension('x') as a")


def test_a_query_that_never_ends_is_ended(shop: Path) -> None:
    started = time.monotonic()
    with pytest.raises(SourceRefused, match=r"longer than the 0\.3 s"):
        read(shop, ENDLESS, seconds=0.3)
    assert time.monotonic() - started < 60


def test_each_query_has_its_full_time_and_the_readers_pauses_do_not_count(shop: Path) -> None:
    # 20,000 rows: several batches are fetched after the pause.
    many = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) select i from n"
    definition = ReportDefinition.model_validate(
        {
            "id": "a",
            "title": "a",
            "formats": ["csv"],
            "source": {"kind": "sql", "connection": "a", "queries": {"q": many}},
        }
    )
    access = {"kind": "sql", "url": f"sqlite:///{shop}", "statement_timeout": 1}
    with open_reader(definition, access, {}, Limits()) as reader:
        for _ in range(2):
            with reader.rows("q") as rows:
                batches = rows.batches()
                assert len(next(batches)) > 0
                time.sleep(0.7)  # The reader is busy writing.
                assert sum(len(batch) for batch in batches) > 0


def test_wrong_sql_is_refused_in_the_databases_words(shop: Path) -> None:
    with pytest.raises(SourceRefused, match="no such column: nmae"):
        read(shop, "select nmae from sales")


def test_a_number_too_large_is_refused(shop: Path) -> None:
    with pytest.raises(SourceRefused, match="too large"):
        read(shop, "select :least as a", {"least": 2**70})


def test_a_locked_database_is_unavailable(shop: Path) -> None:
    with closing(sqlite3.connect(shop, isolation_level=None)) as other:
        other.execute("begin exclusive")
        with pytest.raises(SourceUnavailable, match="locked"):
            read(shop, "select 1 as a from sales")


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no database file") as caught:
        read(tmp_path / "missing.db", "select 1")
    assert caught.value.field == "url"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["mysql://a:hunter2@b/c", "not a url hunter2", "sqlite://"])
def test_other_databases_are_refused_without_repeating_the_url(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught, read_only(url, Deadline(1)):
        pass
    assert "hunter2" not in str(caught.value)
    assert "postgresql://" in caught.value.remedy or "path" in caught.value.remedy


def test_a_connection_of_another_kind_is_refused(shop: Path) -> None:
    definition = ReportDefinition.model_validate(
        {
            "id": "a",
            "title": "a",
            "formats": ["csv"],
            "source": {"kind": "sql", "connection": "a", "queries": {"q": "select 1"}},
        }
    )
    with pytest.raises(ConfigurationError, match="cannot be used for sql"):
        open_reader(definition, {"kind": "http"}, {}, Limits())


async def test_the_block_proves_that_it_can_read_and_hides_its_url(shop: Path) -> None:
    block = SqlSource(url=f"sqlite:///{shop}?secret=hunter2", statement_timeout=5)
    assert await block.check() == "SQLite, read-only, 1 tables and views."
    assert "hunter2" not in repr(block)
    assert block.access()["url"].endswith("hunter2")


def test_the_file_is_opened_read_only_beneath_the_authorizer(shop: Path) -> None:
    deadline = Deadline(5)
    with read_only(f"sqlite:///{shop}", deadline) as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_authorizer(None)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            driver.execute("delete from sales")
