"""All bad servers behave well until SIGUSR1, and keep a journal.

Each line of the journal is a JSON object with `at` (seconds since 1970) and `event`: `turned away`, or with a
`recipient` `greylisted`, `refused` or `accepted`; the last one also with `message_id`, which is the same for each copy,
and with `cut` where the connection was cut before the answer, so that the acknowledgement was lost.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

from bench.troubled.script import Script


class FarSide:
    """Hold a bad server's state: its script, whether it is bad yet, and the journal that it shares with others."""

    def __init__(self, journal: Path, script: Script) -> None:
        self.script, self.bad = script, False
        self._journal = journal.open("a", buffering=1)

    def listen_for_the_sign(self) -> None:
        """Turn bad at SIGUSR1."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.turn_bad)

    def turn_bad(self) -> None:
        """Begin to behave badly."""
        self.bad = True

    def note(self, event: str, **more: Any) -> None:
        """Write one line of the journal."""
        self._journal.write(json.dumps({"at": time.time(), "event": event, **more}) + "\n")
