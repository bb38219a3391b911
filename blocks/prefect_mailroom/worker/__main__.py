"""`python -m prefect_mailroom.worker --pool POOL`: what `prefect worker start --type mailroom-warm` does, smaller.

Prefect's own command imports every installed collection to find the worker's type, 35 MB that the worker has no use
for: the flows run in other processes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys

from prefect.settings import PREFECT_WORKER_HEARTBEAT_SECONDS, PREFECT_WORKER_PREFETCH_SECONDS

from prefect_mailroom.worker.warm import WarmWorker


def main() -> None:
    """Work until SIGTERM or SIGINT ends it: the first one in good order, the second at once."""
    parser = argparse.ArgumentParser(prog="python -m prefect_mailroom.worker", description=main.__doc__)
    parser.add_argument("--pool", required=True, help="the work pool")
    parser.add_argument("--name", help="of the worker; by default its host and its process")
    parser.add_argument("--limit", type=int, help="runs at the same time; 8 by default")
    parser.add_argument("--work-queue", action="append", help="a queue of the pool; may be repeated; by default all")
    told = parser.parse_args()
    asyncio.run(_work(told))


async def _work(told: argparse.Namespace) -> None:
    worker = WarmWorker(
        name=told.name or f"{socket.gethostname()}:{os.getpid()}",
        work_pool_name=told.pool,
        work_queues=told.work_queue,
        limit=told.limit,
        prefetch_seconds=PREFECT_WORKER_PREFETCH_SECONDS.value(),
        heartbeat_interval_seconds=int(PREFECT_WORKER_HEARTBEAT_SECONDS.value()),
    )
    working = asyncio.create_task(worker.start(printer=print))
    loop = asyncio.get_running_loop()
    # Prefect's command turns SIGTERM into SIGINT, which a process that a script started in the background ignores.
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, working)
    with contextlib.suppress(asyncio.CancelledError):
        await working
    sys.stdout.write(f"Worker {worker.name!r} stopped.\n")


def _stop(working: asyncio.Task[None]) -> None:
    if working.cancelling():
        os._exit(1)  # Every process that it forked ends with it.
    working.cancel()


if __name__ == "__main__":
    main()
