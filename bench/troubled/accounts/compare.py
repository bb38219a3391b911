"""Ask a running system for metrics and stats, and compare every number in them with the ledger as it is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

from bench.peak.backends import Backend
from bench.peak.waiting import say
from bench.troubled.accounts import books as ledger
from bench.troubled.accounts import told
from bench.troubled.accounts.count import Numbers, numbers

_WITHIN_SECONDS, _EVERY_SECONDS = 60.0, 1.0
_ROUNDED = 1e-9


@dataclass(frozen=True, slots=True)
class Comparison:
    """Hold what was compared: names, how many numbers, and a sentence for each number that differs."""

    compared: Mapping[str, int]
    differences: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Tell whether something was compared, and nothing differs."""
        return bool(self.compared) and not self.differences


def compare(expected: Numbers, found: Numbers, allowed: Numbers | None = None) -> Comparison:
    """Compare what the rows say with what was told. What either of them leaves out is 0 there. Pure.

    Args:
        allowed: by how much numbers may be off, see `count`.
    """
    compared: dict[str, int] = {}
    for key in found:
        what = key.partition("{")[0] if not key.startswith("stats.") else ".".join(key.split(".")[:3])
        compared[what] = compared.get(what, 0) + 1
    differences = [
        f"{key} is {found.get(key, 0):g}, and by the ledger {expected.get(key, 0):g}."
        for key in sorted({*expected, *found})
        if abs(expected.get(key, 0) - found.get(key, 0)) > (allowed or {}).get(key, 0) + _ROUNDED
    ]
    return Comparison(dict(sorted(compared.items())), differences)


def asked(backend: Backend, client: httpx.Client, since: datetime) -> Comparison:
    """Ask until everything is equal, or what is counted every 15 seconds has had its time; return what was found then.

    Args:
        since: everything was due after it.
    """
    deadline = time.monotonic() + _WITHIN_SECONDS
    while True:
        rows = ledger.read(backend)
        period = {"since": since.isoformat(), "until": (datetime.now(UTC) - timedelta(seconds=1)).isoformat()}
        stats = client.get("/stats", params=period).raise_for_status().json()
        metrics = client.get(str(client.base_url.copy_with(path="/metrics"))).raise_for_status().text
        of_metrics, edges = told.of_metrics(metrics)
        expected, allowed = numbers(rows, edges)
        found = compare(expected, {**of_metrics, **told.of_stats(stats)}, allowed)
        if found.equal or time.monotonic() > deadline:
            of = sum(found.compared.values())
            say(f"compared {of} numbers of metrics and stats with the ledger: {len(found.differences)} differ")
            return found
        time.sleep(_EVERY_SECONDS)
