"""One run of the scenario on one database: schedules, their due time, the troubles, the end, and the verdict."""

from __future__ import annotations

import base64
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bench.peak.registering import due_minute, minute_after
from bench.peak.waiting import EndedEarly, say, wait_for
from bench.troubled import evidence, script, stall, troubles, work
from bench.troubled.accounts.compare import Comparison, asked
from bench.troubled.checker import Verdict, check
from bench.troubled.evidence import Posted
from bench.troubled.file_server import LOGIN
from bench.troubled.options import Options
from bench.troubled.stores import good, objects
from bench.troubled.system import System, busy_cores, up

_LOOK_SECONDS, _TELL_SECONDS = 0.5, 10.0
_QUIET_SECONDS = 5
# The mail server and Prefect turn bad so long before the due time, when everything has been created.
_BAD_BEFORE = timedelta(seconds=5)
# Seconds between the tries; by default they grow to hours, and somebody is always unlucky five times.
_RETRIES = {"delays": [5, 60, 120], "then_every": 120}
_SIGNING_SECRET = "whsec_" + base64.b64encode(b"only for the bench, not kept").decode()
_STORE_SECONDS = 20
"""A store that does not answer is given up so soon, or after a part of it."""
_FINAL = "('success', 'partial', 'failed', 'cancelled', 'skipped', 'missed')"
_ENDED = f"""SELECT count(*) FROM schedule_executions e JOIN export_schedules s ON s.id = e.schedule_id
WHERE s.name LIKE 'troubled %' AND e.status IN {_FINAL}"""


def run(kind: str, options: Options, folder: Path) -> dict[str, Any]:
    """Run everything on databases of this kind, below `folder`, and return the figures."""
    with up(kind, folder, merciful=options.merciful) as system:
        due = minute_after(options.ahead_seconds) if options.ahead_seconds else due_minute(options.n)
        posted = _post(system, options, due)
        began = troubles.planned(system, options)
        time.sleep(max(0.0, (due - _BAD_BEFORE - datetime.now(UTC)).total_seconds()))
        system.turn_bad()
        with busy_cores(folder / "burners.log") if options.busy_cores else nullcontext():
            looks = _watch(system, options, due, began)
        verdict = _judge(system, posted, due)
        accepted = [mail.at.timestamp() for mail in evidence.read_journal(system.journal)]
        by_sftp = objects.files(system.journal.parent / "files")
        verdict.faults += objects.faults(posted, objects.read(system.stores), by_sftp)
        with system.client as client:
            accounts = asked(system.backend, client, due - _BAD_BEFORE)
    return figures(verdict, began, looks, accepted, due, accounts)


def _post(system: System, options: Options, due: datetime) -> list[Posted]:
    """Create connection, reports and schedules; return when Prefect has every deployment."""
    say(f"creating {options.n} schedules that are due at {due:%H:%M}")

    def create(number: int) -> Posted:
        body, at = work.schedule(number, options.recipients, due), datetime.now(UTC)
        answer = client.post("/schedules/", json=body).raise_for_status().json()
        return Posted(answer["id"], body["timing"], work.recipients(body, number), at)

    with system.client as client, ThreadPoolExecutor(8) as pool:
        _connect(client, system)
        for report in work.reports(options.n):
            client.post("/reports", json=report).raise_for_status()
        posted = list(pool.map(create, range(options.n)))
    if datetime.now(UTC) >= due:
        raise EndedEarly("Creating took longer than planned, and the due minute came; the machine is too busy.")
    unsynced = "SELECT count(*) FROM export_schedules WHERE sync_state <> 'synced'"
    wait_for("Every deployment", lambda: system.backend.count(unsynced) == 0, 600)
    return posted


def _connect(client: httpx.Client, system: System) -> None:
    ports, (username, password) = system.far_ports, LOGIN
    credentials = {"smtp_server": "127.0.0.1", "smtp_port": ports.mail, "smtp_type": "INSECURE"}
    connections: dict[str, tuple[str, dict[str, Any]]] = {
        "troubled": (
            "email",
            {
                "credentials": credentials,
                "from_address": "bench@example.com",
                "allow_plain": True,
                "max_per_second": None,
            },
        ),
        "troubled-files": (
            "sftp",
            {
                "host": "127.0.0.1",
                "port": ports.files,
                "username": username,
                "password": password,
                "host_key": system.host_key,
            },
        ),
        "troubled-hook": ("webhook", {"url": f"http://127.0.0.1:{ports.hook}/", "signing_secret": _SIGNING_SECRET}),
    }
    for kind, settings in good.settings(system.folder, ports.stores).items():
        connections[f"troubled-{kind}"] = (kind, {**settings, "timeout_seconds": _STORE_SECONDS})
    for name, (kind, settings) in connections.items():
        body = {"name": name, "kind": kind, "settings": {**settings, "retries": _RETRIES}}
        client.post("/connections", json=body).raise_for_status()


def _watch(system: System, options: Options, due: datetime, planned: Sequence[troubles.Trouble]) -> list[stall.Look]:
    """Make the troubles at their time, and wait until everything has ended or the time is over; return the looks."""
    looks: list[stall.Look] = []
    wanted = options.n * (options.recipients + 3)
    told = 0.0
    while (now := datetime.now(UTC)) < due + timedelta(seconds=options.seconds):
        accepted = len(evidence.read_journal(system.journal))
        ended, open_now = _look(system, now)
        if open_now is not None:
            looks.append((now.timestamp(), open_now > 0 and now >= due))
        for trouble in planned:
            if trouble.thread is None and now > due and (accepted >= trouble.share * wanted and accepted):
                trouble.begin()
        if time.monotonic() > told + _TELL_SECONDS:
            told = time.monotonic()
            after = f"{(now - due).total_seconds():5.0f} s"
            say(f"{after}: {ended} of {options.n} ended, {open_now} due, {accepted} arrived")
        if ended == options.n and all(trouble.is_over for trouble in planned):
            break
        time.sleep(_LOOK_SECONDS)
    else:
        say(f"GIVEN UP {options.seconds:.0f} s after the due time")
    time.sleep(_QUIET_SECONDS)  # A second copy may still come.
    return looks


def _look(system: System, now: datetime) -> tuple[int | None, int | None]:
    """Return how many executions have ended, and how many are due; None where the database does not say."""
    try:
        return system.backend.count(_ENDED), evidence.due_now(system.backend, now)
    except sqlite3.OperationalError:
        return None, None


def _judge(system: System, posted: Sequence[Posted], due: datetime) -> Verdict:
    everybody = [recipient for one in posted for recipient in one.recipients]
    return check(
        posted,
        evidence.read_ledger(system.backend, posted),
        evidence.read_journal(system.journal),
        {recipient for recipient in everybody if script.is_refused(recipient)},
        due + timedelta(hours=1),
    )


def figures(
    verdict: Verdict,
    began: Sequence[troubles.Trouble],
    looks: Sequence[stall.Look],
    accepted: Sequence[float],
    due: datetime,
    accounts: Comparison,
) -> dict[str, Any]:
    """Return what is written of a run. A trouble that did not come is a fault: then nothing was proved. Pure."""
    missing = [f"A trouble did not come: {one.failed or 'its time never came'}." for one in began if not one.told]
    found = asdict(verdict)
    faults = [*found.pop("faults"), *missing, *accounts.differences]
    if not accounts.compared:
        faults.append("Metrics and stats told nothing that could be compared with the ledger.")
    return {
        **found,
        "seconds": round(max(accepted, default=due.timestamp()) - due.timestamp(), 1),
        "longest_stall_s": round(stall.longest_stall(looks, accepted), 1),
        "metrics_equal": accounts.equal,
        "metrics_compared": dict(accounts.compared),
        "troubles": [one.told for one in began if one.told],
        "good": not faults,
        "faults": faults,
    }
