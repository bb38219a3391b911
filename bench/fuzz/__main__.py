"""`make fuzz-api` (REQUESTS=20000 SEED=1 ROLE=creator): Schemathesis against the running API, as each role in turn.

Prefect is down meanwhile: a change answers without it, and what needs it says 503 with Retry-After. No connection leads
anywhere: the guard of what leaves is closed for every address, so nothing that is sent goes out.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import httpx

from bench.fuzz import data, report
from bench.fuzz.fuzz import LONG, Found, fuzz
from bench.peak.waiting import say
from bench.serving import serving, settings_in

CLOSED = {"MAILROOM_OUTBOUND_CLOSED": "0.0.0.0/0 ::/0"}


def run(
    folder: Path, *, requests: int, seed: int, examples: int, phases: Sequence[str] = LONG, role: str = ""
) -> tuple[list[Found], int]:
    """Fuzz an API of its own in a new folder; return what each caller found, and how many operations there are."""
    settings = settings_in(folder)
    asyncio.run(data.prepare(settings))
    with serving(settings, CLOSED) as served:
        callers = [one for one in asyncio.run(data.fill(served, settings)) if role in ("", one.name)]
        document = httpx.get(f"{served.url}/api/v1/openapi.json", trust_env=False).json()
        found = []
        for caller in callers:
            say(f"{caller.name}: {requests // len(callers):,} requests")
            found.append(
                fuzz(
                    served.url,
                    caller,
                    new_key=partial(data.key_of, served, caller),
                    known=data.known_values(served, document),
                    requests=requests // len(callers),
                    seed=seed,
                    examples=examples,
                    phases=phases,
                )
            )
        unexpected = [
            line for line in served.log.read_text(errors="replace").splitlines() if "unexpected_error" in line
        ]
        if unexpected:
            found[-1].failures[("log", "", f"{len(unexpected)} unexpected errors")] = "\n".join(unexpected[:3])
    return found, sum(len(item) for item in document["paths"].values())


def main() -> int:
    """Return 0 where no check failed."""
    requests, seed = int(os.environ.get("REQUESTS", "20000")), int(os.environ.get("SEED", "1"))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-api-") as folder:
        role = os.environ.get("ROLE", "")
        found, operations = run(Path(folder) / "data", requests=requests, seed=seed, examples=40, role=role)
    figures = report.result(found, operations=operations, seconds=time.monotonic() - began, seed=seed)
    report.show(figures)
    report.write(figures)
    return 1 if figures["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
