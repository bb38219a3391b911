"""One report, the database that it reads, and one schedule of it, as users write them."""

from __future__ import annotations

import contextlib
import copy
import sqlite3
from pathlib import Path
from typing import Any

REPORT: dict[str, Any] = {
    "id": "orders",
    "title": "Orders",
    "source": {
        "kind": "sql",
        "connection": "warehouse",
        "queries": {
            "orders": "SELECT region, amount FROM orders WHERE :region IN ('all', region) AND amount >= :least"
        },
    },
    "parameters": {
        "type": "object",
        "properties": {
            "region": {"type": "string", "default": "all", "enum": ["all", "EMEA", "APAC"]},
            "least": {"type": "integer", "default": 0, "minimum": 0},
        },
    },
    "sections": [{"kind": "table", "heading": "Orders by region", "query": "orders"}],
    "formats": ["csv", "html"],
}
"""Reads the table `orders` of the connection `warehouse`."""
FOLDER: dict[str, Any] = {"channel": "folder", "connection": "shared"}
MAIL: dict[str, Any] = {"channel": "email", "connection": "smtp", "to": ["ada@example.com", "bob@example.com"]}
SCHEDULE: dict[str, Any] = {
    "name": "Daily orders",
    "report_id": "orders",
    "timing": {"frequency": "daily", "at": "09:00"},
    "formats": ["csv"],
    "destinations": [FOLDER],
}


def schedule_body(**changes: Any) -> dict[str, Any]:
    """Return a schedule that is accepted, with these keys changed."""
    return copy.deepcopy({**SCHEDULE, **changes})


def make_warehouse(path: Path) -> str:
    """Make the SQLite database that the report reads; return its URL."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE orders (region TEXT, amount INTEGER)")
        connection.executemany("INSERT INTO orders VALUES (?, ?)", [("EMEA", 1200), ("APAC", 900)])
    return f"sqlite:///{path}"
