"""The figures as a table for the terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.scale.result import EARLY

_NONE = "–"


def lines(result: Mapping[str, Any]) -> list[str]:
    """Return what was found."""
    return [*_peak(result), *_growth(result), *_early(result)]


def _peak(result: Mapping[str, Any]) -> Iterator[str]:
    if result["due"] is None:
        return
    yield f"{result['schedules']} schedules, {result['due']} due in one minute, {result['kills']} processes killed"
    yield f"  delivered {result['delivered']}, twice {result['twice']} (unknown: {result['twice_after_unknown']})"
    times = ", ".join(f"{name} {_or_none(result[f'{name}_s'])} s" for name in ("p50", "p95", "latest"))
    yield f"  from due to delivered: {times}; {_or_none(result['throughput_per_s'])} a second"
    yield from (f"  BROKEN: {fault}" for fault in result["faults"] or [])
    rows = [("killed", "after", "goes on after", "is back after", "touched", "later by")]
    back = result["seconds_until_back"] or {}
    for kind, seconds in (result["seconds_to_go_on"] or {}).items():
        after = result["killed_after_s"].get(kind)
        touched = (result["touched_by_kill"] or {}).get(kind)
        later = (result["late_by_kill_s"] or {}).get(kind)
        moments = [f"{_or_none(one)} s" for one in (after, seconds, back.get(kind))]
        rows.append((kind, *moments, _or_none(touched), f"{_or_none(later)} s"))
    yield ""
    yield from _aligned(rows)
    if result["in_hand_p50_s"] is not None:
        yield f"An untouched report was in hand for {result['in_hand_p50_s']} s (p50)."
    if result["cpu_s_per_delivery"]:
        yield ""
        spent = ", ".join(f"{kind} {seconds:g}" for kind, seconds in result["cpu_s_per_delivery"].items())
        yield f"CPU seconds a delivery: {spent}"
        cores = _or_none(result["cores_for_a_minute"])
        yield f"By that, {result['due']} are delivered within a minute by {cores} cores."


def _growth(result: Mapping[str, Any]) -> Iterator[str]:
    if not result["growth"]:
        return
    rows: list[tuple[str, ...]] = [("schedules", "idle CPU %", "poll ms", "create ms", "reconcile s")]
    far = result["at_100000"]
    for row in [*result["growth"], *([far] if far else [])]:
        mark = " (by the slope)" if row is far else ""
        figures = [_or_none(row.get(name)) for name in ("idle_cpu_percent", "poll_ms", "create_ms", "reconcile_s")]
        rows.append((f"{row['schedules']}{mark}", *figures))
    yield ""
    yield from _aligned(rows)
    if far:
        yield ""
        yield f"What more schedules reach, the first in front; at {far['schedules']:,} by the slope:"
        yield from _aligned(
            [
                ("part", "value", "bound", "reached at"),
                *((row["part"], _value(row, "value"), _value(row, "bound"), _reached(row)) for row in far["limits"]),
            ]
        )
        yield f"The limit is {far['limit']['part']}: {_reached(far['limit'])}."


def _value(row: Mapping[str, Any], name: str) -> str:
    return f"{row[name]:,.0f} {row['unit']}"


def _reached(row: Mapping[str, Any]) -> str:
    size = row["reached_at_schedules"]
    return "it does not grow" if size is None else f"{size:,} schedules"


def _early(result: Mapping[str, Any]) -> Iterator[str]:
    for part, why in result[EARLY].items():
        yield f"{part} ENDED EARLY: {why}. Its figures are partial."


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))


def _or_none(value: object) -> str:
    return _NONE if value is None else f"{value}"
