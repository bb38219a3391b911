"""Reckon with instants in the database, alike on SQLite and Postgres."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Float, Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class seconds_between(FunctionElement[float]):  # noqa: N801  It reads as a function of SQL.
    """The seconds from the first instant to the second one, exact to a millisecond, in which SQLite reckons."""

    type = Float()
    inherit_cache = True


class whole_seconds_between(FunctionElement[int]):  # noqa: N801  It reads as a function of SQL.
    """The seconds from the first instant to the second one, a part of a second counted as a whole one."""

    type = Integer()
    inherit_cache = True


def _two(element: FunctionElement[Any], compiler: SQLCompiler, **options: Any) -> tuple[str, str]:
    first, second = element.clauses
    return compiler.process(first, **options), compiler.process(second, **options)


@compiles(seconds_between, "sqlite")
def _seconds_on_sqlite(element: FunctionElement[float], compiler: SQLCompiler, **options: Any) -> str:
    first, second = _two(element, compiler, **options)
    return f"((julianday({second}) - julianday({first})) * 86400.0)"


@compiles(seconds_between, "postgresql")
def _seconds_on_postgres(element: FunctionElement[float], compiler: SQLCompiler, **options: Any) -> str:
    first, second = _two(element, compiler, **options)
    return f"CAST(EXTRACT(EPOCH FROM ({second} - {first})) AS DOUBLE PRECISION)"


@compiles(whole_seconds_between, "sqlite")
def _whole_seconds_on_sqlite(element: FunctionElement[int], compiler: SQLCompiler, **options: Any) -> str:
    first, second = _two(element, compiler, **options)
    # SQLite's days are exact to 0.04 ms, so a whole number of seconds must not become one more; a CAST cuts.
    return f"CAST((julianday({second}) - julianday({first})) * 86400.0 + 0.999 AS INTEGER)"


@compiles(whole_seconds_between, "postgresql")
def _whole_seconds_on_postgres(element: FunctionElement[int], compiler: SQLCompiler, **options: Any) -> str:
    first, second = _two(element, compiler, **options)
    return f"CAST(FLOOR(EXTRACT(EPOCH FROM ({second} - {first})) + 0.999) AS INTEGER)"
