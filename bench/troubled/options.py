"""Read the options of the bench from the environment. A wrong value stops it before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BACKENDS = ("sqlite", "postgres")


@dataclass(frozen=True, slots=True)
class Options:
    """One run of the scenario.

    Attributes:
        n, recipients: schedules that are due at one moment, and how many get a mail of each, which also writes a file
            by SFTP, stores an object and calls a webhook.
        backends: the databases to run it on, one after the other.
        lock_seconds: how long our database is locked, three times.
        stop_seconds: how long a child of the worker is stopped.
        stop_holder: stop one that holds SQLite's write lock, instead of one that is in the middle of sending.
        merciful: a recipient is troubled once at most, so that nothing waits for more than its first retry.
        busy_cores: keep every core busy with something else meanwhile, as on a machine that has other work.
        ahead_seconds: how far ahead the due minute lies at least when the schedules are created; 0: by their number.
        seconds: how long after the due time it is given up.
    """

    n: int = 300
    recipients: int = 3
    backends: tuple[str, ...] = BACKENDS
    lock_seconds: float = 5
    stop_seconds: float = 90
    stop_holder: bool = False
    merciful: bool = False
    busy_cores: bool = True
    ahead_seconds: float = 0
    seconds: float = 5400


def read(environment: Mapping[str, str]) -> Options:
    """Return the options. Pure.

    Raises:
        SystemExit: naming the variable and what it may be.
    """
    backend = environment.get("BACKEND") or "both"
    if backend not in (*BACKENDS, "both"):
        raise SystemExit(f"BACKEND is {backend!r}; it must be sqlite, postgres or both.")
    if (environment.get("STOP") or "sender") not in ("sender", "holder"):
        raise SystemExit(f"STOP is {environment['STOP']!r}; it must be sender or holder.")
    return Options(
        n=_number(environment, "N", 300),
        backends=BACKENDS if backend == "both" else (backend,),
        seconds=_number(environment, "SECONDS", 5400),
        stop_holder=environment.get("STOP") == "holder",
    )


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.strip().isdecimal() or int(text) < 1:
        raise SystemExit(f"{name} is {text!r}; it must be a number from 1.")
    return int(text)
