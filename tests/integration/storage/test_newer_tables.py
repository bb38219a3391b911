"""Programs and tables of different versions, side by side while an installation is upgraded."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from mailroom.errors import Conflict
from mailroom.storage import migrations
from mailroom.storage.database import Database
from mailroom.storage.migrations import WORKS_FROM, Fit, fit, fit_of_newer, upgrade
from mailroom.watching.checks import database as database_check
from mailroom.watching.checks.spec import State

VERSIONS = Path(migrations.__file__).parent / "versions"
ADDITIVE_SINCE = "0030"
ADDS = {"add_column", "create_table", "create_index", "get_bind", "get_context", "execute", "bulk_insert", "f"}
"""What a migration may do with `op`. Statements of SQL must not change what is there, see `_statements`."""


async def _write(database: Database, version: str, works_from: str | None) -> None:
    async with database.session() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
        await session.execute(text("UPDATE ledger_clock SET works_from = :oldest"), {"oldest": works_from})


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize(
    ("works_from", "expected", "state"),
    [(WORKS_FROM, Fit.NEWER, State.OK), ("9998", Fit.TOO_NEW, State.PROBLEM), (None, Fit.TOO_NEW, State.PROBLEM)],
)
async def test_newer_tables_fit_if_they_say_so(
    migrated_url: Callable[[str], str], kind: str, works_from: str | None, expected: Fit, state: State
) -> None:
    database = Database(migrated_url(kind))
    assert await fit(database) is Fit.CURRENT
    await _write(database, "9999", works_from)
    assert await fit(database) is expected
    assert (await database_check.look(database)).state is state
    if expected is Fit.NEWER:
        await upgrade(database)
        async with database.session() as session:
            assert await session.scalar(text("SELECT version_num FROM alembic_version")) == "9999", "nothing is undone"
    else:
        with pytest.raises(Conflict):
            await upgrade(database)
    await database.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_an_upgrade_says_how_far_back_programs_work(migrated_url: Callable[[str], str], kind: str) -> None:
    database = Database(migrated_url(kind))
    await _write(database, _newest(), None)
    await upgrade(database)
    async with database.session() as session:
        assert await session.scalar(text("SELECT works_from FROM ledger_clock")) == WORKS_FROM
    await database.close()


def test_programs_older_than_the_tables_allow_do_not_fit() -> None:
    assert fit_of_newer("0033", "0033") is fit_of_newer("0033", "0036") is Fit.NEWER
    assert fit_of_newer("0036", "0033") is fit_of_newer(None, "0036") is Fit.TOO_NEW


def _newest() -> str:
    return max(path.name[:4] for path in VERSIONS.glob("0*.py"))


def _faults(code: str) -> list[str]:
    """Return what in a migration earlier programs could not work with."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        if name.startswith("op.") and name.removeprefix("op.") not in ADDS:
            found.append(f"{name} changes what earlier programs know")
        if name == "op.create_index" and "unique" in given and ast.unparse(given["unique"]) == "True":
            found.append("a unique index refuses what earlier programs write")
        if name == "op.add_column":
            column = node.args[1]
            assert isinstance(column, ast.Call)
            options = {keyword.arg: ast.unparse(keyword.value) for keyword in column.keywords}
            if options.get("nullable", "True") != "True" and "server_default" not in options:
                found.append(f"{ast.unparse(column)[:40]} must be NULL or have a default of the server")
    return found


def _of_new_tables(code: str) -> bool:
    return "create_table" in code


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(VERSIONS.glob("0*.py")) if path.name[:4] >= ADDITIVE_SINCE],
    ids=lambda path: path.name,
)
def test_a_migration_only_adds_what_earlier_programs_need_not_know(path: Path) -> None:
    code = path.read_text()
    faults = _faults(code)
    if _of_new_tables(code):  # Nobody writes to a new table yet.
        faults = [fault for fault in faults if "unique index" not in fault]
    assert faults == []


@pytest.mark.parametrize(
    "line",
    [
        "op.drop_column('schedules', 'name')",
        "op.alter_column('schedules', 'name', nullable=False)",
        "op.create_index('ix', 'schedules', ['name'], unique=True)",
        "op.add_column('schedules', sa.Column('x', sa.String(1), nullable=False))",
    ],
)
def test_what_earlier_programs_could_not_work_with_is_found(line: str) -> None:
    assert len(_faults(line)) == 1
