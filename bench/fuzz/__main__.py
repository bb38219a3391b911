"""`make fuzz-api` (REQUESTS=20000 SEED=1 PREFECT=1): Schemathesis against the running API, as each role in turn.

Half of the requests meet an API whose Prefect is down, and half one whose Prefect runs, unless PREFECT is 0. No
connection leads anywhere: the guard of what leaves is closed for every address, so nothing that is sent goes out.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from bench.fuzz import data, report
from bench.fuzz.fuzz import LONG, Found, fuzz
from bench.peak.waiting import say
from bench.serving import serving, settings_in

CLOSED = {"MAILROOM_OUTBOUND_CLOSED": "0.0.0.0/0 ::/0"}


def run(
    folder: Path, *, requests: int, seed: int, examples: int, phases: Sequence[str] = LONG
) -> tuple[list[Found], int]:
    """Fuzz an API of its own in a new folder; return what each caller found, and how many operations there are."""
    settings = settings_in(folder)
    asyncio.run(data.prepare(settings))
    with serving(settings, CLOSED) as served:
        callers = asyncio.run(data.fill(served, settings))
        document = httpx.get(f"{served.url}/api/v1/openapi.json", trust_env=False).json()
        found = []
        for caller in callers:
            say(f"{caller.name}: {requests // len(callers):,} requests")
            found.append(
                fuzz(
                    served.url,
                    caller,
                    new_key=lambda caller=caller: data.key_of(served, caller),
                    known=data.known_values(served, document),
                    requests=requests // len(callers),
                    seed=seed,
                    examples=examples,
                    phases=phases,
                )
            )
        if '"unexpected_error"' in served.log.read_text(errors="replace"):
            say(f"the log has unexpected errors: {served.log}")
    return found, sum(len(item) for item in document["paths"].values())


def main() -> int:
    """Return 0 where no check failed."""
    requests, seed = int(os.environ.get("REQUESTS", "20000")), int(os.environ.get("SEED", "1"))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-api-") as folder:
        found, operations = run(Path(folder) / "data", requests=requests, seed=seed, examples=40)
    figures = report.result(found, operations=operations, seconds=time.monotonic() - began, seed=seed)
    report.show(figures)
    report.write(figures)
    return 1 if figures["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
