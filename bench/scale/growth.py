"""Part `growth`: what everything costs while more and more schedules are registered and none is due."""

from __future__ import annotations

import asyncio
import math
import os
import statistics
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil

from bench.peak.bound import Bound
from bench.peak.idle import polls_of
from bench.peak.usage import Usage
from bench.peak.waiting import say
from bench.scale import filling, work
from bench.scale.limits import Machine
from bench.scale.options import Options
from bench.scale.stack import postgres
from bench.scale.stack.whole import Whole
from embedded import prefect_settings

PREFIX = "created"
_CALM_SECONDS, _CREATED = 15, 20


def measure(whole: Whole, size: int, options: Options, bound: Bound) -> dict[str, Any]:
    """Measure at this size."""
    # How fast Prefect plans is seen at the first size; to wait for it at the others would take longer than all else.
    planned = filling.fill(whole, size, bound, planned=size != options.sizes[0])
    bound.sleep(_CALM_SECONDS, "the stack came to rest")
    say(f"{size} schedules: idle for {options.idle_seconds} s")
    idle = _idle(whole, options.idle_seconds, bound)
    polls = asyncio.run(polls_of(whole.prefect, whole.folder / "homes" / "init"))
    created = _create(whole, bound)
    look, seconds = asyncio.run(_reconcile(whole))
    found = {
        "schedules": size,
        "idle_cpu_percent": round(sum(idle.values()), 1),
        "poll_ms": round(statistics.median(polls), 1),
        "create_ms": round(statistics.median(created), 1),
        "reconcile_s": round(seconds, 2),
        "look_s": round(look, 3),
        "planned_per_s": planned,
        "connections": _connections(whole),
        "idle_cpu_percent_of": idle,
        "memory_mb_of": _memory(whole),
    }
    say(", ".join(f"{name} {value}" for name, value in found.items() if not isinstance(value, dict)))
    return found


def machine(whole: Whole) -> Machine:
    """Return what this machine and these settings allow."""
    from deployments.reconcile import SHARE  # noqa: PLC0415  Prefect reads its settings when it is imported
    from mailroom.settings import Settings  # noqa: PLC0415  as above

    return Machine(
        cores=psutil.cpu_count() or 1,
        memory_mb=psutil.virtual_memory().total / 2**20,
        processes=Counter(unit.kind for unit in whole.units.values()),
        connections=postgres.CONNECTIONS,
        poll_ms=1000 * float(prefect_settings.WORKER["PREFECT_WORKER_QUERY_SECONDS"]),
        look_s=float(Settings.model_fields["drift_every_seconds"].default),
        share=SHARE,
    )


def cpu(whole: Whole) -> dict[str, float]:
    """Return the CPU seconds so far of everything, by kind."""
    found: dict[str, float] = {}
    for unit in whole.units.values():
        found[unit.kind] = found.get(unit.kind, 0.0) + unit.cpu
    return found


def _memory(whole: Whole) -> dict[str, float]:
    found: dict[str, float] = {}
    for unit in whole.units.values():
        if unit.process is not None:
            usage = Usage()
            usage.sample([unit.process])
            found[unit.kind] = round(found.get(unit.kind, 0.0) + sum(usage.peak_pss.values()) / 2**20, 1)
    return found


def _idle(whole: Whole, seconds: int, bound: Bound) -> dict[str, float]:
    """Return percent of one core by kind."""
    before, began = cpu(whole), time.monotonic()
    bound.sleep(seconds, "idling")
    after, took = cpu(whole), time.monotonic() - began
    return {kind: round(100 * (after[kind] - before.get(kind, 0.0)) / took, 2) for kind in after}


def _create(whole: Whole, bound: Bound) -> list[float]:
    """Return the milliseconds of the answers to one creation after the other."""
    moment = work.daily(datetime.now(UTC) + timedelta(hours=9))
    found = []
    with whole.client as client:
        for number in range(_CREATED):
            bound.check("creating schedules one after the other")
            body = work.schedule(number, 1, moment, PREFIX)
            body["report_id"] = f"{filling.PREFIX}-0"
            began = time.perf_counter()
            client.post("/schedules/", json=body).raise_for_status()
            found.append((time.perf_counter() - began) * 1000)
    return found


def _connections(whole: Whole) -> int:
    """Return how many connections of clients Postgres has."""
    return whole.backend.count("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")


async def _reconcile(whole: Whole) -> tuple[float, float]:
    """Return the seconds of a look for drift, and of a pass over all schedules, by a reconciler of this process."""
    os.environ.update({"PREFECT_API_URL": whole.prefect, **whole.places.login("PREFECT_API_AUTH_STRING")})
    from deployments.reconcile import Reconciler  # noqa: PLC0415  Prefect reads its settings when it is imported
    from mailroom.settings import Settings  # noqa: PLC0415  as above
    from mailroom.storage.database import Database  # noqa: PLC0415  as above

    settings = Settings.model_validate(
        {
            "data_dir": whole.host(1),
            "database_url": whole.places.database("mailroom"),
            "prefect_api_url": whole.prefect,
            "public_address": whole.url,
        }
    )
    database = Database(settings.database)
    reconciler = Reconciler(database, settings)
    try:
        await reconciler.repair(seconds=0)  # Imports and connections are there from now on.
        began = time.monotonic()
        await reconciler.repair(seconds=0)
        look = time.monotonic() - began
        reconciler._drift_finder._after = ""
        began = time.monotonic()
        await reconciler.repair(seconds=math.inf)
        return look, time.monotonic() - began
    finally:
        await reconciler.close()
        await database.close()
