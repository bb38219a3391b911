"""500 signed webhooks over TLS to a server of Node that keeps nothing, as a run with many destinations sends them."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.channels.loopback import loopback_opened
from prefect_mailroom.channels.base import Parcel
from prefect_mailroom.channels.webhook.channel import WebhookChannel
from prefect_mailroom.channels.webhook.destination import WebhookDestination
from tests.support.certificates import self_signed

WEBHOOKS = 500
AT_ONCE = 4
"""Send so many at once, as one run does through one connection."""
SECRET = "whsec_YmVuY2gtc2lnbmluZy1rZXktb2YtMzItYnl0ZXMtIS0="
SERVER = """
const { readFileSync } = require("node:fs");
const chain = readFileSync(process.env.CHAIN);
const server = require("node:https").createServer({ key: chain, cert: chain }, (request, response) => {
  request.resume();
  request.on("end", () => response.writeHead(204).end());
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
"""


@contextmanager
def receiver(folder: Path) -> Iterator[int]:
    """Run the server while the block does, and give its port. Its certificate is in the folder."""
    node = shutil.which("node")
    if node is None:
        raise SystemExit("This part sends to a server of Node: apt-get install nodejs")
    environment = {"CHAIN": str(folder / "chain.pem"), "PATH": os.environ.get("PATH", "")}
    with subprocess.Popen([node, "-e", SERVER], env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


def webhooks_500() -> dict[str, Any]:
    """Return webhooks a second, and the CPU seconds of this process for all of them."""
    with loopback_opened(), tempfile.TemporaryDirectory() as name:
        certificate = self_signed(Path(name))
        with receiver(Path(name)) as port:
            return asyncio.run(_send(port, certificate.pem))


async def _send(port: int, pem: str) -> dict[str, Any]:
    channel = WebhookChannel(url=f"https://127.0.0.1:{port}/hook", signing_secret=SECRET, ca_certificates=pem)
    destination = WebhookDestination(connection="hook")
    free = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        facts = {"report": "sales", "figures": [{"name": f"Figure {n}", "value": n} for n in range(50)]}
        parcel = Parcel(f"bench-{number}", 1, "hook", destination, facts=facts)
        async with free:
            await channel.deliver(parcel)

    await one(0)  # What is imported and opened once is not measured.
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(number) for number in range(1, WEBHOOKS + 1)))
    seconds, spent = time.perf_counter() - began, time.process_time() - cpu
    return {
        "per_s": round(WEBHOOKS / seconds, 1),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(spent, 2),
        "at_once": AT_ONCE,
    }
