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
    rows = [("killed", "after", "goes on after", "is back after")]
    back = result["seconds_until_back"] or {}
    for kind, seconds in (result["seconds_to_go_on"] or {}).items():
        after = result["killed_after_s"].get(kind)
        rows.append((kind, f"{_or_none(after)} s", f"{_or_none(seconds)} s", f"{_or_none(back.get(kind))} s"))
    yield ""
    yield from _aligned(rows)
    if result["cpu_s_per_delivery"]:
        yield ""
        spent = ", ".join(f"{kind} {seconds:g}" for kind, seconds in result["cpu_s_per_delivery"].items())
        yield f"CPU seconds a delivery: {spent}"


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
        limit = far["limit"]
        yield f"What grows most while idle is {limit['kind']}: " + (
            f"it fills one core at about {limit['core_full_at_schedules']:,} schedules."
            if limit["core_full_at_schedules"]
            else "and it does not grow."
        )


def _early(result: Mapping[str, Any]) -> Iterator[str]:
    for part, why in result[EARLY].items():
        yield f"{part} ENDED EARLY: {why}. Its figures are partial."


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))


def _or_none(value: object) -> str:
    return _NONE if value is None else f"{value}"
