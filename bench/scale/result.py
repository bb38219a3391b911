"""The content of bench/out/scale.json. A part that was not run is null; what ended early says so and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.scale import extrapolate
from bench.scale.limits import Machine
from bench.scale.options import Options

OUT = Path(__file__).parents[1] / "out" / "scale.json"
EARLY = "ended_early"
PEAK = (
    "due", "delivered", "twice", "twice_after_unknown", "kills", "seconds_to_go_on", "seconds_until_back",
    "killed_after_s", "p50_s", "p95_s", "latest_s", "throughput_per_s", "in_hand_p50_s", "touched_by_kill",
    "late_by_kill_s", "cpu_s_per_delivery", "cores_for_a_minute", "faults",
)  # fmt: skip


def empty(options: Options) -> dict[str, Any]:
    """Return the result before anything has been run."""
    return {"schedules": options.schedules, **dict.fromkeys(PEAK), "growth": None, "at_100000": None, EARLY: {}}


def begun(options: Options, earlier: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the result before anything has been run, with what an earlier one has of parts that are not run. Pure."""
    found = empty(options)
    if earlier is None:
        return found
    if "growth" not in options.parts:
        found |= {name: earlier.get(name) for name in ("growth", "at_100000")}
    if "peak" not in options.parts:
        found |= {name: earlier.get(name) for name in ("schedules", *PEAK)}
    others = {part: why for part, why in earlier.get(EARLY, {}).items() if part not in options.parts}
    return {**found, EARLY: others}


def before(path: Path = OUT) -> dict[str, Any] | None:
    """Return what the file has; None where there is none."""
    return dict(json.loads(path.read_text())) if path.exists() else None


def with_peak(result: Mapping[str, Any], figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result with the figures of the peak. Pure."""
    plain = {name: figures[name] for name in PEAK if name in figures}
    return _with_early({**result, **plain}, "peak", figures.get(EARLY))


def with_growth(result: Mapping[str, Any], row: Mapping[str, Any], machine: Machine) -> dict[str, Any]:
    """Return the result with the figures of one more size, and what they say of more on such a machine. Pure."""
    growth = [*(result["growth"] or []), dict(row)]
    return {**result, "growth": growth, "at_100000": extrapolate.far(growth, machine)}


def ended_early(result: Mapping[str, Any], part: str, why: str) -> dict[str, Any]:
    """Return the result with the reason why a part ended early. Pure."""
    return _with_early(result, part, why)


def _with_early(result: Mapping[str, Any], part: str, why: str | None) -> dict[str, Any]:
    others = {name: reason for name, reason in result[EARLY].items() if name != part}
    return {**result, EARLY: {**others, part: why} if why else others}


def is_good(result: Mapping[str, Any]) -> bool:
    """Tell whether everything that was asked for was measured, and no promise was broken. Pure."""
    return not result[EARLY] and not result["faults"] and result["delivered"] == result["due"]


def write(result: Mapping[str, Any], path: Path = OUT) -> None:
    """Write the file whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(result, indent=2) + "\n")
    partial.replace(path)
