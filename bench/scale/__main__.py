"""`make bench-scale` (N=20000 DUE=2000 PARTS=growth,peak SIZES=1000,5000,20000 MINUTES=24): a table, and scale.json.

KILLS= names what is killed at the peak; IDLE_SECONDS= is how long growth idles; KEEP=1 keeps the figures that the file
has of a part which is not asked for, so that the two can be measured one after the other. The file is written after
each step, so that what was measured is there when the bench is ended early. The logs are kept in bench/out/scale-logs.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import httpx

from bench.peak.bound import Bound
from bench.peak.sink import Sink
from bench.peak.waiting import EndedEarly, say
from bench.scale import filling, growth, options, peak, result, table
from bench.scale.limits import Machine
from bench.scale.options import Options
from bench.scale.stack import hosts, whole
from bench.scale.stack.hosts import Hosts
from bench.scale.stack.keeper import Keeper
from bench.scale.stack.whole import Whole

_LATE = (EndedEarly, httpx.HTTPError)


class Found:
    """Hold what has been found so far, on the disk as well."""

    def __init__(self, asked: Options) -> None:
        self.result = result.begun(asked, result.before() if asked.keep else None)
        result.write(self.result)

    def peak(self, figures: dict[str, Any]) -> None:
        """Keep the figures of the peak."""
        self.result = result.with_peak(self.result, figures)
        result.write(self.result)

    def growth(self, row: dict[str, Any], machine: Machine) -> None:
        """Keep the figures of one size."""
        self.result = result.with_growth(self.result, row, machine)
        result.write(self.result)

    def early(self, part: str, why: str) -> None:
        """Keep the reason why a part ended early."""
        say(f"{part} ENDED EARLY: {why}")
        self.result = result.ended_early(self.result, part, why)
        result.write(self.result)


def main() -> None:
    """Run the parts asked for on one stack."""
    asked = options.read(os.environ)
    if not sys.platform.startswith("linux"):
        raise SystemExit("The bench reads memory from /proc; it runs on Linux.")
    signal.signal(signal.SIGTERM, _end)
    if asked.apart:
        if not hosts.is_inside() and not hosts.can_be_apart():
            raise SystemExit(
                "This machine has no network namespaces for us, or no `ip`: choose KILLS= without "
                f"{' and '.join(options.HOSTS)}."
            )
        hosts.enter("bench.scale")
    where, bound, found = Hosts(asked.apart), Bound(60 * asked.minutes), Found(asked)
    with tempfile.TemporaryDirectory(prefix="scale-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres of another user must be able to walk here.
        sink = Sink()
        try:
            with whole.running(folder / "stack", hosts=where) as (stack, keeper), sink.serving(where.middle):
                _run(stack, keeper, sink, asked, bound, found)
        finally:
            _keep_logs(folder)
            print("\n".join(["", *table.lines(found.result)]), flush=True)
    if not result.is_good(found.result) and "peak" in asked.parts:
        raise SystemExit(1)


def _run(stack: Whole, keeper: Keeper, sink: Sink, asked: Options, bound: Bound, found: Found) -> None:
    filling.connect(stack, sink.port)
    if "growth" in asked.parts:
        for size in asked.sizes:
            try:
                found.growth(growth.measure(stack, size, asked, bound), growth.machine(stack))
            except _LATE as late:
                found.early("growth", str(late) or type(late).__name__)
                break
    if "peak" in asked.parts:
        try:
            filling.fill(stack, asked.schedules - asked.due, bound, planned=True)
            found.peak(peak.measure(stack, keeper, sink, asked, bound, found.peak))
        except _LATE as late:
            found.early("peak", str(late) or type(late).__name__)


def _keep_logs(folder: Path) -> None:
    kept = result.OUT.parent / "scale-logs"
    shutil.rmtree(kept, ignore_errors=True)
    if (logs := folder / "stack" / "logs").exists():
        shutil.copytree(logs, kept)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit("Ended by SIGTERM.")


if __name__ == "__main__":
    main()
