"""The SQL reader on a real PostgreSQL server, with a login that may do everything: the session itself only reads."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url, text

from mailroom.rendering.job import Limits
from mailroom.rendering.sources import open_reader
from mailroom.reports.spec import ReportDefinition
from prefect_mailroom import outbound
from prefect_mailroom.errors import ConfigurationError, SourceRefused, SourceUnavailable
from prefect_mailroom.sources.engine import Deadline, read_only, translated
from prefect_mailroom.sources.sql import SqlSource

PROPERTIES = {
    "name": {"type": "string"},
    "day": {"type": "string", "format": "date"},
    "moment": {"type": "string", "format": "date-time"},
    "least": {"type": "integer"},
}


@pytest.fixture(autouse=True)
def _this_machine_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")


@pytest.fixture(scope="module")
def shop(postgres_url: str) -> Iterator[str]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("drop table if exists reader_sales")
        connection.execute(
            "create table reader_sales"
            " (day date, at timestamptz, name text, amount numeric(10,2), share float8, ok bool)"
        )
        connection.execute(
            "insert into reader_sales values ('2026-01-01', '2026-01-01 09:00+01', 'a', 1.50, 0.25, true), "
            "('2026-01-02', '2026-01-02 09:00+01', '%s :name', 2, null, false)"
        )
        connection.execute("create sequence if not exists reader_sequence")
    yield postgres_url
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("drop table reader_sales")
        connection.execute("drop sequence reader_sequence")


def read(
    url: str, sql: str, parameters: dict[str, Any] | None = None, *, seconds: float = 20
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
    access = {"kind": "sql", "url": url, "statement_timeout": seconds}
    with open_reader(definition, access, parameters or {}, Limits()) as reader, reader.rows("main") as found:
        return [(column.name, column.kind) for column in found.columns], [row for b in found.batches() for row in b]


def test_rows_have_the_databases_types(shop: str) -> None:
    columns, rows = read(shop, "select * from reader_sales order by day")
    assert [kind for _, kind in columns] == ["date", "datetime", "text", "decimal", "decimal", "boolean"]
    assert rows[0][0] == date(2026, 1, 1)
    assert rows[0][1].astimezone(UTC) == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert rows[0][3:] == (Decimal("1.50"), 0.25, True)


def test_values_are_bound_with_their_types(shop: str) -> None:
    sql = (
        "select name from reader_sales where day >= :day and at > :moment and (:name = 'all' or name = :name)"
        " and length(name) >= :least"
    )
    values = {"day": "2026-01-02", "moment": "2026-01-02T08:59:00+01:00", "name": "all", "least": 1}
    assert read(shop, sql, values)[1] == [("%s :name",)]
    assert read(shop, sql, {**values, "name": "x' or true --"})[1] == []
    assert read(shop, sql, {**values, "moment": "2026-01-02T09:00:00+01:00"})[1] == []
    assert len(read(shop, "select 1 as a from reader_sales where (:day is null or day = :day)")[1]) == 2


def test_many_rows_are_streamed_in_order(shop: str) -> None:
    _, rows = read(shop, "select i::int as i, '100%'::text as t from generate_series(1, 20000) as g(i)")
    assert [row[0] for row in rows] == list(range(1, 20_001))
    assert rows[0][1] == "100%"


def past_the_lint(url: str, sql: str) -> None:
    """Run a statement without our own look at it: what is left is what the database refuses."""
    deadline = Deadline(5)
    with read_only(url, deadline) as connection, translated(deadline):
        cursor = connection.execute(text(sql), execution_options={"stream_results": True}).cursor
        assert cursor is not None
        cursor.fetchall()


@pytest.mark.parametrize(
    "sql",
    [
        "select 1; drop table reader_sales",
        "select 1; commit; drop table reader_sales",
        "select /* /* */ ' */ ; commit; drop table reader_sales --'",
        "with gone as (delete from reader_sales returning *) select * from gone",
        "select nextval('reader_sequence') as n",
        "select * into reader_copy from reader_sales",
        "select * from reader_sales for update",
        "select set_config('transaction_read_only', 'off', false) as a",
        "copy reader_sales to program 'true'",
        "drop table reader_sales",
    ],
)
@pytest.mark.parametrize("guard", ["reader", "engine"])
def test_security_19_nothing_writes(shop: str, sql: str, guard: str) -> None:
    with pytest.raises(SourceRefused) as caught:
        (read if guard == "reader" else past_the_lint)(shop, sql)
    assert caught.value.remedy
    with psycopg.connect(shop) as connection:
        row = connection.execute(
            "select (select count(*) from reader_sales), to_regclass('reader_copy'),"
            " (select is_called from reader_sequence)"
        ).fetchone()
    assert row == (2, None, False)


@pytest.mark.parametrize(
    "sql", ["select pg_sleep(30) as a", "select count(*) as n from generate_series(1, 10000000000) a"]
)
def test_a_query_that_never_ends_is_ended(shop: str, sql: str) -> None:
    started = time.monotonic()
    with pytest.raises(SourceRefused, match=r"longer than the 0\.5 s"):
        read(shop, sql, seconds=0.5)
    assert time.monotonic() - started < 10


def test_the_time_of_all_fetches_together_is_limited(shop: str) -> None:
    # Each fetch is short; a statement timeout alone, which a query can even switch off, would let it run on.
    sql = "select i, pg_sleep(0.0005)::text as s from generate_series(1, 100000) as g(i)"
    started = time.monotonic()
    with pytest.raises(SourceRefused, match="longer than the 2 s"):
        read(shop, sql, seconds=2)
    assert time.monotonic() - started < 10


def test_all_queries_see_the_same_data(shop: str) -> None:
    definition = ReportDefinition.model_validate(
        {
            "id": "a",
            "title": "a",
            "formats": ["csv"],
            "source": {"kind": "sql", "connection": "a", "queries": {"n": "select count(*) as n from reader_sales"}},
        }
    )
    access = {"kind": "sql", "url": shop, "statement_timeout": 5}
    with open_reader(definition, access, {}, Limits()) as reader:
        with reader.rows("n") as rows:
            first = next(rows.batches())
        with psycopg.connect(shop, autocommit=True) as other:
            other.execute("insert into reader_sales (name) values ('late')")
        with reader.rows("n") as rows:
            second = next(rows.batches())
        with psycopg.connect(shop, autocommit=True) as other:
            other.execute("delete from reader_sales where name = 'late'")
    assert first == second


def test_wrong_sql_is_refused_in_the_databases_words(shop: str) -> None:
    with pytest.raises(SourceRefused, match='"nmae" does not exist'):
        read(shop, "select nmae from reader_sales")


def test_no_server_is_unavailable_and_the_password_is_not_told() -> None:
    with pytest.raises(SourceUnavailable) as caught:
        read("postgresql://mailroom:hunter2@127.0.0.1:1/shop", "select 1 as a")
    assert "hunter2" not in str(caught.value)


def test_no_such_database_is_a_mistake_in_the_connection(shop: str) -> None:
    url = make_url(shop).set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(ConfigurationError, match="nowhere") as caught:
        read(url, "select 1 as a")
    assert caught.value.field == "url"


async def test_the_block_warns_of_a_login_that_may_do_everything(shop: str) -> None:
    told = await SqlSource(url=shop, statement_timeout=5).check()
    assert told.startswith("PostgreSQL ")
    assert "superuser" in told


def test_security_19_transaction_and_session_are_read_only_each(shop: str) -> None:
    # Either would do here; a connection pooler in between may drop the session's settings.
    with read_only(shop, Deadline(5)) as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        assert driver.read_only is True
        assert connection.scalar(text("show default_transaction_read_only")) == "on"
        assert connection.scalar(text("show transaction_isolation")) == "repeatable read"
