"""The work: small reports over a small database, and schedules with a recipient each."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.peak.work import at

_ROWS = 200
CONNECTION, SOURCE = "bench", "orders"


def make_source(path: Path) -> None:
    """Write the database that the reports read."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, cents INTEGER)")
        rows = [(number, f"Customer {number % 17}", number * 311 % 100_000) for number in range(_ROWS)]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)


def connections(source: Path, mail_server: str, mail_port: int) -> list[dict[str, Any]]:
    """Return the connections to the database of the reports and to the mail server."""
    mail = {
        "credentials": {"smtp_server": mail_server, "smtp_port": mail_port, "smtp_type": "INSECURE"},
        "from_address": "bench@example.com",
        "allow_plain": True,
        # By default a mail connection sends 10 a second; this one is a sink, and what is measured is everything else.
        "max_per_second": None,
    }
    return [
        {"name": SOURCE, "kind": "sql", "settings": {"url": f"sqlite:///{source}"}},
        {"name": CONNECTION, "kind": "email", "settings": mail},
    ]


def report(number: int, prefix: str) -> dict[str, Any]:
    """Return a report; each reads other rows."""
    query = f"SELECT id, customer, cents FROM orders WHERE id % 7 = {number % 7} OR id > {number % _ROWS} ORDER BY id"
    return {
        "id": f"{prefix}-{number}",
        "title": f"Orders, sample {number}",
        "source": {"kind": "sql", "connection": SOURCE, "queries": {"rows": query}},
        "sections": [{"kind": "table", "query": "rows"}],
        "formats": ["csv"],
    }


def recipient(number: int, prefix: str) -> str:
    """Return to whom the schedule of that number goes."""
    return f"{prefix}-{number}@example.com"


def schedule(number: int, reports: int, timing: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return a schedule with a recipient of its own."""
    return {
        "name": f"{prefix} {number}",
        "report_id": f"{prefix}-{number % reports}",
        "timing": timing,
        "formats": ["csv"],
        "destinations": [{"channel": "email", "connection": CONNECTION, "to": [recipient(number, prefix)]}],
    }


def daily(moment: datetime) -> dict[str, Any]:
    """Return the timing once a day at that minute (UTC)."""
    return at(moment)
