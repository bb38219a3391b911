"""`make bench-troubled` (N=300 BACKEND=sqlite|postgres|both SECONDS=): table, troubled.json, and status 1 for a fault.

STOP=holder stops a process that holds SQLite's write lock, instead of one that is in the middle of sending. Databases
and logs of a run are kept in bench/out/troubled-logs.
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

from bench.troubled import options, result, scenario


def main() -> None:
    """Run the scenario on each database asked for."""
    asked = options.read(os.environ)
    if not sys.platform.startswith("linux"):
        raise SystemExit("The bench looks for connections of processes in /proc; it runs on Linux.")
    signal.signal(signal.SIGTERM, _end)
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="troubled-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres of another user must be able to walk here.
        for kind in asked.backends:
            try:
                found[kind] = scenario.run(kind, asked, folder / kind)
            finally:
                _keep_logs(folder / kind, kind)
            result.write(found)
    print("\n".join(["", *result.lines(found)]))
    if not all(figures["good"] for figures in found.values()):
        raise SystemExit(1)


def _keep_logs(folder: Path, kind: str) -> None:
    kept = result.OUT.parent / "troubled-logs" / kind
    shutil.rmtree(kept, ignore_errors=True)
    for log in (*folder.rglob("*.log"), *folder.rglob("*.jsonl"), *folder.rglob("mailroom.db*")):
        target = kept / log.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(log, target)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit("Ended by SIGTERM.")


if __name__ == "__main__":
    main()
