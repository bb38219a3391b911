"""Show what was found as a table, and as bench/out/fuzz-api.json."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.fuzz.fuzz import Found

OUT = Path(__file__).parents[1] / "out" / "fuzz-api.json"


def result(found: Sequence[Found], *, operations: int, seconds: float, seed: int) -> dict[str, Any]:
    """Return the figures as they are written."""
    return {
        "requests": sum(one.requests for one in found),
        "operations": operations,
        "checks": sorted({name for one in found for name in one.checks}),
        "roles": {
            one.caller: {
                "requests": one.requests,
                "rounds": one.rounds,
                "operations": len(one.operations),
                "statuses": {str(status): count for status, count in sorted(one.statuses.items())},
            }
            for one in found
        },
        "failures": [
            {"role": one.caller, "check": check, "operation": operation, "title": title, "told": told}
            for one in found
            for (check, operation, title), told in sorted(one.failures.items())
        ],
        "seed": seed,
        "seconds": round(seconds, 1),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
    }


def show(figures: dict[str, Any]) -> None:
    """Print the table, and each failure with how to see it again."""
    console = Console(soft_wrap=True)
    table = Table("role", "requests", "operations", "2xx", "3xx", "4xx", "5xx", "failures")
    for role, one in figures["roles"].items():
        kinds = [sum(n for status, n in one["statuses"].items() if status[0] == kind) for kind in "2345"]
        failures = sum(failure["role"] == role for failure in figures["failures"])
        row = [one["requests"], one["operations"], *kinds, failures]
        table.add_row(role, *(f"{number:,}" for number in row))
    console.print(table)
    for failure in figures["failures"]:
        console.print(
            f"{failure['role']}: {failure['check']} {failure['operation']}: {failure['told']}\n", markup=False
        )
    console.print(f"{figures['requests']:,} requests in {figures['seconds']:,} s, {len(figures['failures'])} failures")


def write(figures: dict[str, Any]) -> None:
    """Write the file."""
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"Written to {OUT}")
