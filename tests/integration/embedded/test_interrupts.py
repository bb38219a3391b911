"""Ctrl-C once ends in order, twice is firm; an end that is asked for is a good end."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

PROGRAM = """
import asyncio, sys
from embedded.processes.interrupts import run_until_stopped

async def main(hurry):
    try:
        print("up", flush=True)
        await asyncio.get_running_loop().create_future()
    finally:
        print("ending", flush=True)
        {ending}
        print("ended", hurry.is_set(), flush=True)

sys.exit(run_until_stopped(main))
"""


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()


async def _start(ending: str) -> asyncio.subprocess.Process:
    program = PROGRAM.replace("{ending}", ending)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert await _line(process) == "up"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_one_signal_ends_in_order(number: signal.Signals) -> None:
    process = await _start("await asyncio.sleep(0.1)")
    process.send_signal(number)

    assert [await _line(process), await _line(process)] == ["ending", "ended False"]
    assert await process.wait() == 0


async def test_the_second_is_heard_while_it_ends() -> None:
    process = await _start("await hurry.wait()")
    process.send_signal(signal.SIGINT)
    assert await _line(process) == "ending"
    process.send_signal(signal.SIGINT)

    assert await _line(process) == "ended True"
    assert await process.wait() == 0
