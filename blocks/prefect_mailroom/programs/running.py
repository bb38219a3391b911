"""Run one program to its end by prefect-shell, with limits; it leaves no child behind.

The command is a list of words, quoted for the shell of prefect-shell's `ShellOperation`, which replaces itself by the
program: nothing in a word is expanded. What the program prints goes to files, not through the operation's log: the log
would show it, secrets included, and keeps all of it in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import signal
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.programs.environment import is_plain_name, masked

if TYPE_CHECKING:
    from prefect_shell import ShellOperation

MAX_FILE_MB = 4096
# What a program needs from the worker's environment; the rest may hold the worker's own keys.
_INHERITED = re.compile(r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TZ|TMPDIR|TERM|PWD|SHLVL|_")
_KEPT = 4_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Limit a program; the operating system enforces it.

    Attributes:
        seconds: after which it and all its children are killed.
        file_mb: how large each file may grow that it writes, its output included.
        memory_mb: the address space of each of its processes; no limit where None.
        cpu_seconds: the time that each of its processes may compute; no limit where None.
    """

    seconds: float
    file_mb: int = MAX_FILE_MB
    memory_mb: int | None = None
    cpu_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """Record how a program ended.

    Attributes:
        exit_code: negative for the number of the signal that ended it; None where its time was up.
        out, err: about the last 4,000 bytes that it printed, as plain lines, with the secrets masked.
    """

    exit_code: int | None
    out: str
    err: str


async def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    secrets: Collection[str],
    working_directory: Path,
    limits: Limits,
) -> Ended:
    """Run a program to its end, or until its time is up.

    Args:
        command: the program and its arguments, none of them with a NUL character.
        environment: its variables, beside the few that it gets from this process.
        secrets: what is masked in its output.

    Raises:
        ConfigurationError: prefect-shell is not installed here.
    """
    operation_type = _operation_type()
    with TemporaryDirectory(prefix="mailroom-shell-") as logs:
        operation = operation_type(
            commands=_script(command, environment, Path(logs), limits),
            env=dict(environment),
            working_dir=working_directory,
            stream_output=False,
        )
        status = await _completed(operation, limits.seconds)
        out, err = await asyncio.to_thread(lambda: [_tail(Path(logs) / name, secrets) for name in ("stdout", "stderr")])
    return Ended(status, out, err)


def _operation_type() -> type[ShellOperation]:
    try:
        from prefect_shell import ShellOperation
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "The library that runs commands is not installed here.",
            remedy="Install it where the worker runs: pip install 'prefect-mailroom[shell]'.",
        ) from error
    found: type[ShellOperation] = ShellOperation
    return found


def _script(command: Sequence[str], given: Collection[str], logs: Path, limits: Limits) -> list[str]:
    # ShellOperation hands the whole environment of the worker down; what may hold its keys is taken out first.
    withheld = sorted(
        name for name in os.environ if is_plain_name(name) and not _INHERITED.fullmatch(name) and name not in given
    )
    out, err = (shlex.quote(str(logs / name)) for name in ("stdout", "stderr"))
    return [
        *(f"unset -v {name}" for name in withheld),
        f"ulimit -f {min(limits.file_mb, MAX_FILE_MB) * 1024}",
        *([f"ulimit -v {limits.memory_mb * 1024}"] if limits.memory_mb else []),
        *([f"ulimit -t {limits.cpu_seconds}"] if limits.cpu_seconds else []),
        f"exec {shlex.join(command)} >{out} 2>{err} </dev/null",
    ]


async def _completed(operation: ShellOperation, timeout_seconds: float) -> int | None:
    """Run to the end; return the exit code, or None where the time was up. No child outlives this."""
    async with operation:
        process = await operation.atrigger()
        try:
            async with asyncio.timeout(timeout_seconds):
                # It raises for a non-zero code, which is read below with the program's own words.
                with contextlib.suppress(RuntimeError):
                    await process.await_for_completion()
        except TimeoutError:
            return None
        finally:
            # prefect-shell starts the command as the leader of a group of its own, and ends it with SIGTERM only.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return int(process.return_code)


def _tail(file: Path, secrets: Collection[str]) -> str:
    """Return the end of what was printed. It is masked before it is cut, so that no part of a secret is left."""
    if not file.exists():
        return ""
    longest = max((len(secret.encode()) for secret in secrets), default=0)
    with file.open("rb") as opened:
        start = max(0, file.stat().st_size - _KEPT - longest)
        opened.seek(start)
        text = masked(opened.read().decode(errors="replace"), secrets)
    if start:  # The beginning may be the rest of a secret, which nothing has masked.
        text = text[longest:]
    plain = ("".join(c if c.isprintable() else " " for c in line).rstrip() for line in text.splitlines())
    return "\n".join(line for line in plain if line)
