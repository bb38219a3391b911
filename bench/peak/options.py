"""Read the options of the bench from the environment. A wrong value stops it before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RIVALS = ("process", "serve", "celery")
PARTS = ("lag", "peak", "rivals", "idle")


@dataclass(frozen=True, slots=True)
class Options:
    """One run of the bench.

    Attributes:
        n, reports: schedules due at one minute, and over how many distinct reports.
        backend: sqlite or postgres, for Prefect, for our tables and for the rivals.
        parts: lag, peak, process, serve, celery, idle.
        sample: schedules for the two rivals that start an interpreter a run.
        limits: runs at once that these two are tried with; the better figure counts.
        lag_minutes: minutes with 20 due in each.
        idle, idle_seconds: schedules registered, and how long they are watched.
        part_seconds: how long each part, and each round of process and serve, may take; 0: by its size, see `bound`.
    """

    n: int = 1000
    reports: int = 50
    backend: str = "sqlite"
    parts: frozenset[str] = frozenset()
    sample: int = 30
    limits: tuple[int, ...] = (2, 4)
    lag_minutes: int = 4
    idle: int = 10_000
    idle_seconds: int = 180
    part_seconds: int = 0

    def reports_of(self, sample: int) -> int:
        """Distinct reports for fewer schedules, so that as many of them share one as at the peak."""
        return max(1, round(self.reports * sample / self.n))


def read(environment: Mapping[str, str]) -> Options:
    """The options. Pure.

    Raises:
        SystemExit: naming the variable and what it may be.
    """
    backend = environment.get("BACKEND") or "sqlite"
    if backend not in ("sqlite", "postgres"):
        raise SystemExit(f"BACKEND is {backend!r}; it must be sqlite or postgres.")
    n, reports = _number(environment, "N", 1000), _number(environment, "REPORTS", 50)
    if reports > n:
        raise SystemExit(f"REPORTS is {reports}, more than N, {n}: each report needs a schedule.")
    return Options(
        n=n,
        reports=reports,
        backend=backend,
        parts=_parts(environment.get("PARTS") or ",".join(PARTS)),
        sample=_number(environment, "SAMPLE", 30),
        limits=tuple(_positive("LIMITS", word) for word in (environment.get("LIMITS") or "2,4").split(",")),
        lag_minutes=_number(environment, "LAG_MINUTES", 4),
        idle=_number(environment, "IDLE", 10_000),
        idle_seconds=_number(environment, "IDLE_SECONDS", 180),
        part_seconds=_number(environment, "PART_SECONDS", 1) if environment.get("PART_SECONDS") else 0,
    )


def _parts(text: str) -> frozenset[str]:
    chosen = {word.strip() for word in text.split(",")}
    if unknown := sorted(chosen - {*PARTS, *RIVALS}):
        raise SystemExit(f"PARTS names {', '.join(unknown)}; choose from {', '.join((*PARTS, *RIVALS))}.")
    return frozenset(chosen - {"rivals"} | (set(RIVALS) if "rivals" in chosen else set()))


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    return _positive(name, environment.get(name) or str(default))


def _positive(name: str, text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise SystemExit(f"{name} is {text!r}; it must be a number from 1.")
    return int(text)
