"""Programs that run while a block does; whatever they started in turn ends with them."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from embedded.processes import guard
from mailroom.settings import CHECKOUT


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[psutil.Popen]:
    """A program, in a session of its own, so that Ctrl-C reaches the bench alone, which then ends it in order."""
    mark = secrets.token_hex(16)
    with log.open("ab") as output:
        process = psutil.Popen(
            list(command),
            env={**environment, guard.MARK: mark},
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            try:
                _end(process)
            finally:  # Also after a second Ctrl-C.
                guard.sweep(mark, patience=5)


def _end(process: psutil.Popen) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(60)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait()


def must_run(process: psutil.Popen, log: Path) -> None:
    """End the bench, with the last lines that it said, when a program has ended by itself."""
    if process.poll() is not None:
        lines = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise SystemExit(f"{' '.join(process.args[:4])} ended with status {process.returncode}:\n{lines}")
