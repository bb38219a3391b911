"""Read the options of the bench from the environment. A wrong value stops it before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PARTS = ("growth", "peak")
HOSTS = ("network", "power")
"""The losses of a host: `network` cuts it off while everything on it goes on, `power` kills everything as well."""
KINDS = ("renderers", "api", "worker", "child", "prefect", "services", "redis", "postgres", *HOSTS)
"""What is killed, in this order: renderers first, since each report is rendered at the beginning."""


@dataclass(frozen=True, slots=True)
class Options:
    """One run of the bench.

    Attributes:
        schedules: how many are registered at the peak; `due` of them are due in one minute.
        sizes: how many schedules there are when growth is measured.
        parts: growth, peak.
        kills: the kinds of processes that are killed at the peak.
        idle_seconds: how long everything is watched while nothing is due.
        minutes: how long the bench may take in all; then it reports what it has.
        creators: how many people create the schedules that are due, at the same time.
        quiet_seconds: for how long a second copy is waited for at the end.
        keep: whether the figures of a part that is not run stay in the file.
    """

    schedules: int = 20_000
    due: int = 2_000
    sizes: tuple[int, ...] = (1_000, 5_000, 20_000)
    parts: tuple[str, ...] = PARTS
    kills: tuple[str, ...] = KINDS
    idle_seconds: int = 60
    minutes: float = 24
    creators: int = 6
    quiet_seconds: float = 10
    keep: bool = False

    @property
    def apart(self) -> bool:
        """Tell whether each host needs a network of its own."""
        return "peak" in self.parts and not set(HOSTS).isdisjoint(self.kills)

    @property
    def reports(self) -> int:
        """Return how many reports the due schedules share: ten each."""
        return max(1, self.due // 10)


def read(environment: Mapping[str, str]) -> Options:
    """Return the options. Pure.

    Raises:
        SystemExit: naming the variable and what it may be.
    """
    schedules, due = _number(environment, "N", 20_000), _number(environment, "DUE", 2_000)
    if due > schedules:
        raise SystemExit(f"DUE is {due}, more than N, {schedules}: what is due is among the schedules.")
    sizes = tuple(_positive("SIZES", word) for word in (environment.get("SIZES") or "1000,5000,20000").split(","))
    if list(sizes) != sorted(set(sizes)):
        raise SystemExit("SIZES must grow: what is registered stays.")
    return Options(
        schedules=schedules,
        due=due,
        sizes=sizes,
        parts=_of("PARTS", environment, PARTS),
        kills=() if environment.get("KILLS") == "none" else _of("KILLS", environment, KINDS),
        idle_seconds=_number(environment, "IDLE_SECONDS", 60),
        minutes=_number(environment, "MINUTES", 24),
        keep=environment.get("KEEP") == "1",
    )


def _of(name: str, environment: Mapping[str, str], known: tuple[str, ...]) -> tuple[str, ...]:
    chosen = {word.strip() for word in (environment.get(name) or ",".join(known)).split(",")}
    if unknown := sorted(chosen - set(known)):
        raise SystemExit(f"{name} names {', '.join(unknown)}; choose from {', '.join(known)}.")
    return tuple(word for word in known if word in chosen)


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    return _positive(name, environment.get(name) or str(default))


def _positive(name: str, text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise SystemExit(f"{name} is {text!r}; it must be a number from 1.")
    return int(text)
