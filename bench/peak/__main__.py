"""`make bench-peak` (N=1000 REPORTS=50 BACKEND=sqlite|postgres PARTS=lag,peak,rivals,idle): a table, and peak.json.

`rivals` is process, serve and celery; each can be named by itself. SAMPLE, LIMITS, LAG_MINUTES, IDLE and IDLE_SECONDS
make a quick look quicker, see `options`. The file is written after each part. A part takes PART_SECONDS at most (by
default by its size, see `bound`); then it reports what it has, the table and the file say so, and the next part begins.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from bench.peak import idle, lag, options, parts, peak, result, table
from bench.peak.bound import Bound, seconds
from bench.peak.result import EARLY
from bench.peak.rivals import celery, process, redis, serve
from bench.peak.stack import Stack, up

_Measures = Mapping[str, Callable[[Stack], Mapping[str, Any]]]


def main() -> None:
    """Run the parts asked for; the others are null."""
    asked = options.read(os.environ)
    if not sys.platform.startswith("linux"):
        raise SystemExit("The bench reads memory from /proc; it runs on Linux.")
    if "celery" in asked.parts:
        redis.binary()  # Now, and not after half an hour.
    signal.signal(signal.SIGTERM, _end)
    found = result.empty(asked)
    result.write(found)
    with tempfile.TemporaryDirectory(prefix="peak-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres of another user must be able to walk here.
        try:
            for update in (_ours, _prefect_rivals, _celery, _idle):
                found = update(asked, folder, found)
                result.write(found)
        except BaseException:
            _keep_logs(folder, "It broke off")
            raise
        if found[EARLY]:
            _keep_logs(folder, f"Ended early: {', '.join(found[EARLY])}")
    print("\n".join(["", *table.lines(found)]))


def _ours(asked: options.Options, folder: Path, found: dict[str, Any]) -> dict[str, Any]:
    measures: _Measures = {
        "lag": lambda stack: lag.measure(stack, asked, Bound(seconds("lag", asked))),
        "peak": lambda stack: peak.measure(stack, asked, Bound(seconds("peak", asked))),
    }
    return _on_stacks(asked, folder, found, measures)


def _prefect_rivals(asked: options.Options, folder: Path, found: dict[str, Any]) -> dict[str, Any]:
    settings = {"MAILROOM_WORKER_TYPE": "process", "MAILROOM_WORKER_LIMIT": str(max(asked.limits))}
    measures: _Measures = {
        "process": lambda stack: process.measure(stack, asked),
        "serve": lambda stack: serve.measure(stack, asked),
    }
    return _on_stacks(asked, folder, found, measures, settings)


def _celery(asked: options.Options, folder: Path, found: dict[str, Any]) -> dict[str, Any]:
    if "celery" not in asked.parts:
        return found
    return parts.one(found, "celery", lambda: celery.measure(asked, folder / "celery", Bound(seconds("celery", asked))))


def _idle(asked: options.Options, folder: Path, found: dict[str, Any]) -> dict[str, Any]:
    measures: _Measures = {"idle": lambda stack: idle.measure(stack, asked, Bound(seconds("idle", asked)))}
    return _on_stacks(asked, folder, found, measures)


def _on_stacks(
    asked: options.Options,
    folder: Path,
    found: dict[str, Any],
    measures: _Measures,
    settings: dict[str, str] | None = None,
) -> dict[str, Any]:
    chosen = {name: measure for name, measure in measures.items() if name in asked.parts}
    return parts.on_stacks(found, chosen, lambda first: up(asked.backend, folder / first, settings))


def _keep_logs(folder: Path, why: str) -> None:
    kept = result.OUT.parent / "peak-logs"
    shutil.rmtree(kept, ignore_errors=True)
    for log in folder.rglob("*.log"):
        target = kept / log.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(log, target)
    print(f"{why}; the logs are in {kept}.", file=sys.stderr)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit("Ended by SIGTERM.")


if __name__ == "__main__":
    main()
