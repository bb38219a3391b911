"""Rival (c): a Celery app with Redis and beat, doing the same work through the same renderers. See `celery_app`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from bench.peak import backends, work
from bench.peak.bound import Bound
from bench.peak.measuring import Outcome, quantiles, watch
from bench.peak.options import Options
from bench.peak.programs import must_run, running
from bench.peak.registering import minute_after
from bench.peak.rivals import redis
from bench.peak.sink import Sink
from bench.peak.stack import flights_of, inherited, renderings
from bench.peak.waiting import say

# As many as the stack's worker runs at once.
CONCURRENCY = 8
_APP = ["-m", "celery", "-A", "bench.peak.rivals.celery_app"]


def measure(options: Options, folder: Path, bound: Bound) -> dict[str, Any]:
    """Measure all N schedules, as at the peak."""
    folder.mkdir()
    with ExitStack() as opened:
        backend = opened.enter_context(backends.opened(options.backend, folder))
        sink = Sink()
        opened.enter_context(sink.serving())
        broker, redis_process = opened.enter_context(redis.serving(folder))
        environment = _environment(backend, folder, broker, sink.port)
        due = minute_after(30)
        say(f"celery: {options.n} schedules over {options.reports} reports, all due at {due:%H:%M}")
        _fill(environment["RIVAL_DATABASE"], options, due)
        processes = [*opened.enter_context(_running(environment, folder, bound)), redis_process, *backend.roots]
        found = _watched(sink, processes, due, options, bound)
        made = renderings(folder / "renderers.log", "bench")
    say(f"{found.throughput} a second")
    return {
        "throughput_per_s": found.throughput,
        "n": found.n,
        "delivered": found.delivered,
        "duplicates": found.duplicates,
        "lateness_s": quantiles(found.late),
        "cpu_s_per_run": found.cpu,
        "worker_pss_mb": found.pss_mb.get("worker"),
        "renderings": made,
        **found.note,
    }


def _environment(backend: backends.Backend, folder: Path, broker: str, smtp_port: int) -> dict[str, str]:
    flights = flights_of(folder)
    files = folder / "files"
    files.mkdir()
    return {
        **inherited(),
        "MAILROOM_DATA_DIR": str(backend.folder),
        "MAILROOM_RENDERERS_SOCKET": str(backend.folder / "renderers.sock"),
        "RIVAL_BROKER": broker,
        "RIVAL_DATABASE": backend.url("celery", "psycopg"),
        "RIVAL_FLIGHTS": f"sqlite:///{flights}",
        "RIVAL_FILES": str(files),
        "RIVAL_SMTP_PORT": str(smtp_port),
    }


def _fill(url: str, options: Options, due: datetime) -> None:
    from sqlalchemy import create_engine  # noqa: PLC0415  with Celery's app
    from sqlalchemy.orm import Session  # noqa: PLC0415  as above

    from bench.peak.rivals.celery_app import Base, Due  # noqa: PLC0415  Celery is not always installed

    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add_all(
            Due(
                id=number,
                recipient=work.recipient(number),
                report=work.report(number % options.reports),
                next_run_at=due,
            )
            for number in range(options.n)
        )
    engine.dispose()


@contextmanager
def _running(environment: dict[str, str], folder: Path, bound: Bound) -> Iterator[list[psutil.Process]]:
    """The renderers, the worker and beat, each ready."""
    with ExitStack() as opened:

        def start(name: str, arguments: list[str]) -> tuple[psutil.Popen, Path]:
            log = folder / f"{name}.log"
            return opened.enter_context(running([sys.executable, *arguments], environment, log)), log

        renderers, log = start("renderers", ["-m", "mailroom.rendering.renderers.service"])
        _until(renderers, log, "renderers serve on", bound)
        options = ["--pool", "prefork", "--concurrency", str(CONCURRENCY), "--without-gossip", "--without-mingle"]
        worker, log = start("worker", [*_APP, "worker", "--loglevel", "INFO", "-Ofair", *options])
        _until(worker, log, " ready.", bound)
        beat, log = start("beat", [*_APP, "beat", "--loglevel", "INFO", "--schedule", str(folder / "beat")])
        _until(beat, log, "beat: Starting", bound)
        yield [renderers, worker, beat]


def _until(process: psutil.Popen, log: Path, words: str, bound: Bound) -> None:
    def said() -> bool:
        must_run(process, log)
        return words in log.read_text(errors="replace")

    bound.wait_for(f"{words!r} in {log.name}", said, 90, every=0.2)


def _watched(sink: Sink, processes: list[psutil.Process], due: datetime, options: Options, bound: Bound) -> Outcome:
    return watch(sink, processes, due, options.n, lambda: len(sink.taken), bound)
