"""Part `peak`: many schedules, some of them due in one minute, while one process of each kind is killed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from bench.peak.bound import Bound
from bench.peak.registering import minute_after
from bench.peak.sink import Sink
from bench.peak.waiting import EndedEarly, say
from bench.scale import books, growth, touched, work
from bench.scale.going_on import Probes
from bench.scale.kills import Killer
from bench.scale.options import Options
from bench.scale.stack.keeper import Keeper
from bench.scale.stack.whole import Whole

PREFIX = "due"
_LOOK_EVERY, _TELL_EVERY = 0.25, 10.0
_CREATED_A_SECOND = 8

Keep = Callable[[dict[str, Any]], None]


def measure(whole: Whole, keeper: Keeper, sink: Sink, options: Options, bound: Bound, keep: Keep) -> dict[str, Any]:
    """Measure until everything has ended, or the time is over; `keep` is given what there is meanwhile."""
    due = minute_after(options.due / _CREATED_A_SECOND + 130)
    create(whole, options, work.daily(due), bound)
    _wait_for_runs(whole, options.due, due, bound)
    bound.sleep_until(due)
    return watch(whole, keeper, sink, options, bound, keep, due)


def create(whole: Whole, options: Options, timing: dict[str, Any], bound: Bound) -> None:
    """Create the reports and the schedules that will be due, over REST."""
    say(f"creating {options.due} schedules over {options.reports} reports")
    with whole.client as client, ThreadPoolExecutor(options.creators) as pool:
        for number in range(options.reports):
            client.post("/reports", json=work.report(number, PREFIX)).raise_for_status()
        bodies = [work.schedule(number, options.reports, timing, PREFIX) for number in range(options.due)]
        began, told = time.monotonic(), time.monotonic()
        for done, answer in enumerate(pool.map(lambda body: client.post("/schedules/", json=body), bodies), 1):
            answer.raise_for_status()
            bound.check(f"creating schedules: {done} of {options.due} were created")
            if done == options.due or time.monotonic() > told + _TELL_EVERY:
                told = time.monotonic()
                say(f"{done} schedules created after {told - began:.0f} s")


def _wait_for_runs(whole: Whole, wanted: int, due: datetime, bound: Bound) -> None:
    second = timedelta(seconds=1)
    window = {"after_": (due - second).isoformat(), "before_": (due + second).isoformat()}
    body = {"flow_runs": {"expected_start_time": window, "tags": {"all_": ["mailroom"]}}}

    def inserted() -> bool:
        # Not all: what Prefect has not planned by then is late, and is Mailroom's to find. It counts like the rest.
        late = datetime.now(UTC) > due - timedelta(seconds=20)
        return late or int(whole.ask_prefect("/flow_runs/count", body).json()) >= wanted

    bound.wait_for("Every run", inserted, 1800, every=2)
    found = int(whole.ask_prefect("/flow_runs/count", body).json())
    say(f"{found} of {wanted} runs wait for {due:%H:%M}")


def watch(
    whole: Whole, keeper: Keeper, sink: Sink, options: Options, bound: Bound, keep: Keep, due: datetime
) -> dict[str, Any]:
    """Kill and count from the due time until everything has ended."""
    wanted = [work.recipient(number, PREFIX) for number in range(options.due)]
    probes = Probes(whole, sink, PREFIX)
    killer = Killer(whole, probes, options.kills, options.due, due.timestamp())

    before = growth.cpu(whole)

    def figures(early: str = "") -> dict[str, Any]:
        judged = books.judge(wanted, sink.taken, books.read(whole.backend, PREFIX))
        return {
            "due": options.due,
            "delivered": judged.delivered,
            "twice": judged.twice,
            "twice_after_unknown": judged.twice_after_unknown,
            "kills": len(killer.done),
            "seconds_to_go_on": {kill.kind: kill.go_on_s for kill in killer.done},
            "seconds_until_back": {kill.kind: kill.back_s for kill in killer.done if kill.kind != "child"},
            "killed_after_s": {kill.kind: kill.after_s for kill in killer.done},
            **books.lateness(sink.at, wanted, due.timestamp()),
            "throughput_per_s": _rate(len(sink.at), sink.latest - due.timestamp()),
            "deaths": len(keeper.deaths),
            "faults": judged.faults,
            **({"ended_early": early} if early else {}),
        }

    done, told = 0, time.monotonic()
    try:
        while done < options.due or len(killer.done) < len(options.kills):
            bound.check(f"delivering: {len(sink.taken)} of {options.due} were delivered")
            time.sleep(_LOOK_EVERY)
            killer.look(len(sink.taken))
            if time.monotonic() > told + _TELL_EVERY or len(sink.taken) >= options.due:
                told = time.monotonic()
                with contextlib.suppress(psycopg.OperationalError):  # Postgres has just been killed.
                    done = books.ended(whole.backend, PREFIX)
                    keep(figures("it was still going on"))
                say(f"{time.time() - due.timestamp():4.0f} s: {len(sink.taken)} mails, {done} of {options.due} ended")
    except EndedEarly as ended:
        return figures(str(ended))
    probes.finish(60)
    time.sleep(options.quiet_seconds)  # A second copy may still come.
    found = figures()
    spent = {kind: seconds - before.get(kind, 0.0) for kind, seconds in growth.cpu(whole).items()}
    found |= touched.lateness(touched.read(whole, PREFIX, due.timestamp()), sink.at, killer.done, due.timestamp())
    found["cpu_s_per_delivery"] = {kind: round(seconds / options.due, 4) for kind, seconds in spent.items()}
    found["cores_for_a_minute"] = books.cores_for(found["cpu_s_per_delivery"], options.due)
    return found


def _rate(count: int, seconds: float) -> float | None:
    return round(count / seconds, 2) if count and seconds > 0 else None
