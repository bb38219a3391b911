"""`make bench-peak` (N=1000 REPORTS=50 BACKEND=sqlite|postgres PARTS=lag,peak,rivals,idle): a table, and peak.json.

`rivals` is process, serve and celery; each can be named by itself. SAMPLE, LIMITS, LAG_MINUTES, IDLE and IDLE_SECONDS
make a quick look quicker, see `options`. The file is written after each part.
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

from bench.peak import idle, lag, options, peak, result, table
from bench.peak.rivals import celery, process, redis, serve
from bench.peak.stack import up


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
            for update in (_stack, _prefect_rivals, _celery, _idle):
                found = result.with_ratios(update(asked, folder, found))
                result.write(found)
        except BaseException:
            _keep_logs(folder)
            raise
    print("\n".join(["", *table.lines(found)]))


def _stack(asked: options.Options, folder: Path, found: dict[str, Any]) -> dict[str, Any]:
    if asked.parts & {"lag", "peak"}:
        with up(asked.backend, folder / "stack") as stack:
            if "lag" in asked.parts:
                found = found | lag.measure(stack, asked)
                result.write(found)
            if "peak" in asked.parts:
                found = found | peak.measure(stack, asked)
    return found


def _prefect_rivals(asked: options.Options, folder: Path, found: dict[str, Any]) -> dict[str, Any]:
    if asked.parts & {"process", "serve"}:
        settings = {"MAILROOM_WORKER_TYPE": "process", "MAILROOM_WORKER_LIMIT": str(max(asked.limits))}
        with up(asked.backend, folder / "rivals", settings) as stack:
            if "process" in asked.parts:
                found = result.with_rival(found, "process", process.measure(stack, asked))
                result.write(found)
            if "serve" in asked.parts:
                found = result.with_rival(found, "serve", serve.measure(stack, asked))
    return found


def _celery(asked: options.Options, folder: Path, found: dict[str, Any]) -> dict[str, Any]:
    if "celery" in asked.parts:
        found = result.with_rival(found, "celery", celery.measure(asked, folder / "celery"))
    return found


def _idle(asked: options.Options, folder: Path, found: dict[str, Any]) -> dict[str, Any]:
    if "idle" in asked.parts:
        with up(asked.backend, folder / "idle") as stack:
            found = found | idle.measure(stack, asked)
    return found


def _keep_logs(folder: Path) -> None:
    kept = result.OUT.parent / "peak-logs"
    shutil.rmtree(kept, ignore_errors=True)
    for log in folder.rglob("*.log"):
        target = kept / log.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(log, target)
    print(f"It broke off; the logs are in {kept}.", file=sys.stderr)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit("Ended by SIGTERM.")


if __name__ == "__main__":
    main()
