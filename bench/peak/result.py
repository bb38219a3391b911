"""Build the content of bench/out/peak.json. A part that was not run is null, never a figure of another day.

`ended_early` says of each part that ran out of time after how many seconds, and why; its figures are partial, or null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.peak.options import RIVALS, Options

EARLY = "ended_early"
"""Under this name, a part's figures say why it ended before everything was measured."""
OUT = Path(__file__).parents[1] / "out" / "peak.json"
FIGURES = (
    "delivered", "duplicates", "throughput_per_s", "lateness_s", "engine_cpu_s_per_run", "cpu_s_per_run",
    "worker_pss_mb", "renderings", "rivals", "ratio", "start_lag_p99_s", "idle_10k",
)  # fmt: skip


def empty(options: Options) -> dict[str, Any]:
    """Nothing has been run."""
    asked = {"n": options.n, "reports": options.reports, "backend": options.backend}
    return {**asked, EARLY: {}, **dict.fromkeys(FIGURES)}


def with_part(result: Mapping[str, Any], name: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    """The result with one part's figures; their note of an early end goes to the notes of all. Pure."""
    plain = {key: value for key, value in figures.items() if key != EARLY}
    notes = {**result[EARLY], name: figures[EARLY]} if figures.get(EARLY) else result[EARLY]
    found = with_rival(result, name, plain) if name in RIVALS else {**result, **plain}
    return with_ratios({**found, EARLY: notes})


def with_rival(result: Mapping[str, Any], name: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    """The result with one rival's figures. Pure."""
    rivals = {**dict.fromkeys(RIVALS), **(result["rivals"] or {}), name: figures}
    return {**result, "rivals": rivals}


def with_ratios(result: Mapping[str, Any]) -> dict[str, Any]:
    """The result with our throughput over each rival's, as far as both were measured. Pure."""
    own, rivals = result["throughput_per_s"], result["rivals"]
    if own is None or rivals is None:
        return {**result, "ratio": None}
    theirs = {name: (rivals[name] or {}).get("throughput_per_s") for name in RIVALS}
    return {**result, "ratio": {name: round(own / speed, 2) if speed else None for name, speed in theirs.items()}}


def write(result: Mapping[str, Any], path: Path = OUT) -> None:
    """To the file, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
