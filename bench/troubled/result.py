"""Write bench/out/troubled.json, and say the same as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

OUT = Path(__file__).parents[1] / "out" / "troubled.json"
FIGURES = (
    "schedules", "deliveries", "delivered", "refused", "failed", "left_in_between", "repeated_after_confirmation",
    "second_copies_after_lost_acknowledgement", "seconds", "longest_stall_s", "metrics_equal",
)  # fmt: skip
_SHOWN = 20


def write(found: Mapping[str, Any], path: Path = OUT) -> None:
    """Write the file, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n")


def lines(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the table, one column a database, and what is wrong. Pure."""
    width = max(len(name) for name in FIGURES)
    shown = [f"{'':{width}}" + "".join(f"{kind:>12}" for kind in found)]
    shown += [f"{name:{width}}" + "".join(f"{figures[name]:>12}" for figures in found.values()) for name in FIGURES]
    for kind, figures in found.items():
        faults = figures["faults"]
        shown += ["", f"{kind}: {'every promise was kept' if figures['good'] else f'{len(faults)} FAULTS'}"]
        shown += [f"  {trouble}" for trouble in figures["troubles"]]
        shown += [f"  FAULT: {fault}" for fault in faults[:_SHOWN]]
        if len(faults) > _SHOWN:
            shown.append(f"  and {len(faults) - _SHOWN} more, in the file")
    return shown
