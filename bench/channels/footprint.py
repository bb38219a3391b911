"""Measure the memory that registering the channels adds to a process that does not use them."""

from __future__ import annotations

import statistics
import subprocess
import sys

ROUNDS = 5
# Prefect is in every process already. The package loads its registry, and that the destination of each channel.
_CODE = """
import psutil, sys
import prefect.blocks.core, prefect.exceptions
process = psutil.Process()
before = process.memory_full_info().uss
import prefect_mailroom.channels.registry as registry
print(process.memory_full_info().uss - before)
clients = {name for one in registry.CHANNELS.values() for name in one.needs} - {"prefect_email"}
assert not clients & set(sys.modules), clients & set(sys.modules)
"""


def import_extra_mb() -> float:
    """Return the MB that the registry of every channel, with all that it loads, adds to a process with Prefect.

    It is more than the channels add to an API or a child of the worker. No vendor's client is loaded.
    """
    found = [
        int(subprocess.run([sys.executable, "-c", _CODE], check=True, capture_output=True, text=True).stdout)
        for _ in range(ROUNDS)
    ]
    return round(statistics.median(found) / 1e6, 2)
