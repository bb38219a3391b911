"""Copy a SQLite database while others write to it, and put a copy in a database's place.

SQLite's own backup API copies pages within one read transaction, so the copy is the database of one instant, whatever
is committed meanwhile. Copying the file would tear it apart from its write-ahead log.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from mailroom.errors import Conflict
from prefect_mailroom.durable import make_folders, sync_folder_at

Progress = Callable[[int, int], None]
"""Is told how much of how much is done."""
_PAGES = 4096
_SIDES = ("-wal", "-shm")


def dump(database: Path, target: Path, progress: Progress) -> None:
    """Write a copy of a database that may be in use."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(descriptor)
    with (
        contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=60)) as source,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        source.isolation_level = None
        source.execute("BEGIN")  # One state of the database, or the copy would begin anew with each commit of others.
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(copy, pages=_PAGES, progress=lambda _status, left, total: progress(total - left, total))
        copy.execute("PRAGMA journal_mode=DELETE")  # One file, which needs no other beside it.
    with target.open("rb") as file:
        os.fsync(file.fileno())


def fault_of(file: Path) -> str:
    """Return what is wrong inside a copy, or an empty text."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if found == ["ok"] else "; ".join(found)


def is_empty(database: Path) -> bool:
    """Tell whether there is no database, or one without any table."""
    if not database.exists():
        return True
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=60)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
    return not count


def load(file: Path, database: Path, *, aside: str) -> Path | None:
    """Put a copy in a database's place; the database that was there gets another name, which is returned.

    Args:
        aside: what the name of the former database ends with.

    Raises:
        Conflict: somebody uses the database.
    """
    make_folders(database.parent)
    former = None
    if database.exists():
        _refuse_where_in_use(database)
        former = database.with_name(f"{database.name}{aside}")
        for side in ("", *_SIDES):
            found = database.with_name(database.name + side)
            if found.exists():
                found.rename(former.with_name(former.name + side))
    staged = database.with_name(f".{database.name}.restoring")
    staged.unlink(missing_ok=True)
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as target, file.open("rb") as source:
        shutil.copyfileobj(source, target, 2**20)
        target.flush()
        os.fsync(target.fileno())
    staged.replace(database)
    sync_folder_at(database.parent)
    return former


def _refuse_where_in_use(database: Path) -> None:
    try:
        with contextlib.closing(sqlite3.connect(database, timeout=1)) as connection:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.rollback()
    except sqlite3.OperationalError as error:
        raise Conflict(
            f"{database} is in use by another process.", remedy="Stop everything that uses it, and repeat the command."
        ) from error
    except sqlite3.DatabaseError:
        return  # It is damaged, which may be why it is restored.
