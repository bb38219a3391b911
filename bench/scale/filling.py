"""Registers many schedules of which none is due for hours, and waits until Prefect has planned them."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta

from bench.peak import programs
from bench.peak.bound import Bound
from bench.peak.waiting import say
from bench.scale import work
from bench.scale.stack import environment
from bench.scale.stack.whole import Whole

PREFIX = "idle"
_SCHEDULED = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}


def connect(whole: Whole, mail_port: int) -> None:
    """Make the source, the connections and the one report that is never due."""
    source = whole.folder / "orders.db"
    work.make_source(source)
    with whole.client as client:
        for connection in work.connections(source, whole.places.middle, mail_port):
            client.post("/connections", json=connection).raise_for_status()
        client.post("/reports", json=work.report(0, PREFIX)).raise_for_status()


def fill(whole: Whole, wanted: int, bound: Bound, *, planned: bool) -> float | None:
    """Have so many schedules in all, each with a deployment and a planned run.

    Returns how many runs Prefect's scheduler planned a second; None where there were enough already, or nearly.

    Args:
        planned: whether the planned runs are copied as well, or left to Prefect's scheduler, which takes its time.
    """
    have = count(whole)
    if have >= wanted:
        return None
    began = time.monotonic()
    if have == 0:
        first = work.daily(datetime.now(UTC) + timedelta(hours=12))
        with whole.client as client:
            client.post("/schedules/", json=work.schedule(0, 1, first, PREFIX)).raise_for_status()
        have = 1
        unsynced = "SELECT count(*) FROM export_schedules WHERE sync_state <> 'synced'"
        bound.wait_for("The first deployment", lambda: whole.backend.count(unsynced) == 0, 120)
    if wanted > have:
        _copy(whole, have, wanted, bound, planned=planned)
    say(f"{wanted} schedules registered after {time.monotonic() - began:.0f} s")
    before, copied = _planned(whole), time.monotonic()
    _wait_until_planned(whole, wanted, bound)
    say(f"and planned after {time.monotonic() - began:.0f} s")
    found = _planned(whole) - before
    # Where most was planned while the rows were still copied, the rest tells nothing of the speed.
    return round(found / (time.monotonic() - copied), 1) if found > (wanted - have) / 10 else None


def count(whole: Whole) -> int:
    """Return how many schedules there are."""
    return whole.backend.count("SELECT count(*) FROM export_schedules")


def _copy(whole: Whole, have: int, wanted: int, bound: Bound, *, planned: bool) -> None:
    home = whole.folder / "homes" / "copies"
    home.mkdir(parents=True, exist_ok=True)
    settings = environment.of_api(whole.places, home, whole.host(1))
    settings |= environment.of_prefect(whole.places, home)
    log = whole.folder / "logs" / "copies.log"
    command = [sys.executable, "-m", "bench.scale.copies", str(have), str(wanted), *(["planned"] if planned else [])]
    told = ""
    with programs.running(command, settings, log) as process:

        def ended() -> bool:
            nonlocal told
            line = (log.read_text(errors="replace").splitlines() or [""])[-1]
            if line != told:
                told = line
                say(f"copying, {line}")
            return process.poll() is not None

        bound.wait_for(f"The copies up to {wanted}", ended, 900)
        if process.returncode != 0:
            programs.must_run(process, log)


def _planned(whole: Whole) -> int:
    """Return how many runs wait for their time."""
    return int(whole.ask_prefect("/flow_runs/count", _SCHEDULED).json())


def _wait_until_planned(whole: Whole, wanted: int, bound: Bound) -> None:
    """Prefect's scheduler inserts one run for each; that is work, and over before anything is measured."""
    told = time.monotonic()

    def planned() -> bool:
        nonlocal told
        found = _planned(whole)
        if time.monotonic() > told + 20:
            told = time.monotonic()
            say(f"Prefect has planned {found} runs of {wanted}")
        return found >= wanted

    bound.wait_for(f"{wanted} runs", planned, 120 + wanted / 5, every=1)
