"""Prints what people see: one console, tables, and our errors in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from embedded.display import printable
from prefect_mailroom.errors import ConfigurationError, MailroomError

# Into a file or a pipe there is no width to keep to; tables stay on one line a row.
out = Console(width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True)


def print_error(error: MailroomError) -> int:
    """Say what was wrong, where, and what to do; returns the exit status."""
    line = Text("Error: ", style="bold red")
    field = getattr(error, "field", "")
    line.append(printable(f"{field}: {error.message}" if field else error.message), style="not bold default")
    err.print(line, soft_wrap=True)
    if error.remedy:
        err.print(Text(printable(error.remedy)), soft_wrap=True)
    return 2 if isinstance(error, ConfigurationError) else 1


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table below its title; both are shown as plain text, never as markup."""
    # As a line of its own, since the title of a table is broken at the width of that table.
    out.print(Text(printable(title), style="italic"))
    table = Table(header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(printable(str(cell))) for cell in row))
    out.print(table)


def print_json(data: Any) -> None:
    """Print data for another program: nothing but JSON on standard output."""
    out.file.write(json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n")
