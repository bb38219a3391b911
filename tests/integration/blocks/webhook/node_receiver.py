"""A webhook receiver in Node, whose verifiers other people wrote; see node/receiver.cjs."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from prefect_mailroom.channels.webhook.channel import WebhookChannel
from prefect_mailroom.tls import trusting
from tests.support.certificates import self_signed
from tests.support.node_packages import installed
from tests.support.programs import needs

FOLDER = Path(__file__).parent / "node"
KEY = base64.b64encode(b"canary-signing-key-of-32-bytes!!").decode()
TOKEN = "canary-bearer-token"


@dataclass(frozen=True)
class NodeReceiver:
    """One that runs. Its `pem` is what a client has to trust."""

    port: int
    pem: str

    def channel(self, mode: str = "hook", *, port: int = 0, **settings: Any) -> WebhookChannel:
        """Return a channel to where it behaves in a certain way."""
        given: dict[str, Any] = {
            "signing_secret": f"whsec_{KEY}",
            "auth": "bearer",
            "auth_secret": TOKEN,
            "ca_certificates": self.pem,
            "timeout_seconds": 20,
        }
        url = f"https://127.0.0.1:{port or self.port}/{mode}?key=canary-in-url"
        return WebhookChannel(url=url, **{**given, **settings})

    def taken(self) -> list[dict[str, Any]]:
        """Return what it has taken: `body` and `files` of each id, oldest first."""
        found: list[dict[str, Any]] = self._ask("received")
        return [{**one, "body": one["body"].encode("latin1").decode(errors="replace")} for one in found]

    def files(self) -> list[Mapping[str, bytes]]:
        """Return name -> content of what it has taken."""
        return [{name: base64.b64decode(content) for name, content in one["files"]} for one in self.taken()]

    def forget(self) -> None:
        """Let it forget everything."""
        self._ask("reset")

    def _ask(self, path: str) -> Any:
        with httpx.Client(verify=trusting(self.pem), trust_env=False, timeout=20) as client:
            return client.get(f"https://127.0.0.1:{self.port}/{path}").raise_for_status().json()


@contextlib.contextmanager
def node_receiver(folder: Path, secret: str = f"whsec_{KEY}") -> Iterator[NodeReceiver]:
    """Run one while the block does. Without Node the test is skipped, or fails in CI.

    Args:
        folder: an empty one, for its certificate.
    """
    node, environment = needs("node", "nodejs"), installed(FOLDER)
    certificate = self_signed(folder)
    environment |= {"CHAIN": str(folder / "chain.pem"), "SECRET": secret, "TOKEN": TOKEN}
    with subprocess.Popen(
        [node, FOLDER / "receiver.cjs"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()  # It ends at once where it cannot start.
            assert line, "The receiver did not start; see its words above."
            yield NodeReceiver(json.loads(line)["port"], certificate.pem)
        finally:
            process.kill()
