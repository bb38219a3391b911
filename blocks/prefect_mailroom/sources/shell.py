"""A command whose files are the report: dbt, Quarto, a script. It runs beside the flow, not in a renderer process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import shutil
import signal
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

from prefect.blocks.core import Block
from pydantic import Field, SecretStr, field_validator

from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError, SourceRefused

if TYPE_CHECKING:
    from prefect_shell import ShellOperation

MAX_FILES = 50
MAX_FILE_MB = 4096
# What a program needs from the worker's environment; the rest may hold the worker's own keys.
_INHERITED = re.compile(r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TZ|TMPDIR|TERM|PWD|SHLVL|_")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOLD_LINES = 10
_TOLD_BYTES = 4_000


class ShellSource(Block):
    """The programs that reports may run, with their working directory and environment.

    The command is a list of words, quoted for the shell of prefect-shell's `ShellOperation`: nothing in it is expanded.
    Its output goes to files, not through the operation's log: the log would show what the program prints, secrets
    included, and keeps all of it in memory.
    """

    _block_type_name = "Mailroom shell source"
    _block_type_slug = "mailroom-shell-source"
    _description = "Programs that reports may run. The files that they write to $MAILROOM_OUTPUT are the report."

    kind: ClassVar[str] = "shell"

    working_directory: Path = Field(description="The folder in which commands run.")
    allowed_programs: list[str] = Field(
        min_length=1,
        description=("The programs that a report's command may start: names found on the PATH, or absolute paths."),
    )
    environment: dict[str, SecretStr] = Field(
        default_factory=dict, description=("Environment variables for the commands.")
    )

    @field_validator("environment")
    @classmethod
    def _names_are_plain(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, secret in value.items():
            if not _NAME.fullmatch(name) or name.startswith("MAILROOM_") or "\0" in secret.get_secret_value():
                raise ValueError(
                    f"{name[:40]}: use letters, digits and _, and no name that begins with MAILROOM_; a value "
                    "must not contain a NUL character."
                )
        return value

    async def run(
        self,
        *,
        command: Sequence[str],
        parameters: Mapping[str, Any],
        folder: Path,
        timeout_seconds: float,
        max_file_mb: int = MAX_FILE_MB,
    ) -> list[Path]:
        """Run a report's command; its files land in `folder`, which is `$MAILROOM_OUTPUT`.

        Args:
            command: program and arguments.
            parameters: arrive as `MAILROOM_PARAM_<NAME>`; None is left out, booleans are `true` and `false`.
            folder: exists and is empty.
            timeout_seconds: then the command and all its children are killed.
            max_file_mb: no file that it writes grows larger.

        Returns:
            The files, sorted by name.

        Raises:
            ConfigurationError: the program is not allowed or does not exist, or the working directory is missing.
            SourceRefused: it failed, took too long, or left nothing that can be sent.
        """
        operation_type = _operation_type()
        self._check_command(command)
        with TemporaryDirectory(prefix="mailroom-shell-") as logs:
            environment = self._environment(parameters, folder)
            operation = operation_type(
                commands=_script(command, environment, Path(logs), max_file_mb),
                env=environment,
                working_dir=self.working_directory,
                stream_output=False,
            )
            status = await _completed(operation, timeout_seconds)
            told = self._masked(await asyncio.to_thread(_tail, Path(logs) / "stderr"))
        if status is None:
            remedy = "Make the command faster, or raise the source's timeout_seconds." + _said(told)
            raise SourceRefused(f"'{command[0]}' took longer than {timeout_seconds:g} s and was ended.", remedy=remedy)
        if status != 0:
            message = f"'{command[0]}' failed with exit code {status}."
            raise SourceRefused(message, remedy="Run the command by hand to see why." + _said(told))
        return await asyncio.to_thread(_files, folder, command[0])

    async def check(self, steps: Steps | None = None) -> str:
        """Prove that the working directory and every allowed program exist; return one line about them.

        Args:
            steps: is told each step as it is tried.

        Raises:
            ConfigurationError: one does not.
        """
        with (steps or Steps()).step(StepName.FIND) as told:
            for program in self.allowed_programs:
                self._check_command([program])
            told.message = f"{len(self.allowed_programs)} programs in {self.working_directory}."
        return told.message

    def _check_command(self, command: Sequence[str]) -> None:
        if command[0] not in self.allowed_programs:
            allowed = ", ".join(self.allowed_programs)
            raise ConfigurationError(
                f"This connection does not allow the program '{command[0][:100]}'.",
                remedy=f"The allowed programs are: {allowed}. The owner of the connection can add it.",
                field="source.command",
            )
        if any("\0" in word for word in command):
            raise ConfigurationError(
                "The command contains a NUL character.", remedy="Remove it.", field="source.command"
            )
        path = self.environment["PATH"].get_secret_value() if "PATH" in self.environment else None
        if shutil.which(command[0], path=path) is None:
            remedy = "Install it where the worker runs, or correct its name."
            raise ConfigurationError(f"There is no program '{command[0]}' here.", remedy=remedy, field="source.command")
        if not self.working_directory.is_dir():
            raise ConfigurationError(
                f"There is no folder {self.working_directory}.",
                remedy="Correct the connection's working directory.",
                field="working_directory",
            )

    def _environment(self, parameters: Mapping[str, Any], folder: Path) -> dict[str, str]:
        given = {name: secret.get_secret_value() for name, secret in self.environment.items()}
        for name, value in parameters.items():
            if value is not None:
                text = str(value).lower() if isinstance(value, bool) else str(value)
                if "\0" in text:
                    raise SourceRefused(f"The parameter {name} contains a NUL character.", remedy="Remove it.")
                given[f"MAILROOM_PARAM_{name.upper()}"] = text
        return {**given, "MAILROOM_OUTPUT": str(folder)}

    def _masked(self, text: str) -> str:
        # The longest first: a secret may be part of another.
        for secret in sorted((value.get_secret_value() for value in self.environment.values()), key=len, reverse=True):
            if secret.strip():
                text = text.replace(secret, "********")
        return text


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


def _script(command: Sequence[str], given: Collection[str], logs: Path, max_file_mb: int) -> list[str]:
    # ShellOperation hands the whole environment of the worker down; what may hold its keys is taken out first.
    withheld = sorted(
        name for name in os.environ if _NAME.fullmatch(name) and not _INHERITED.fullmatch(name) and name not in given
    )
    out, err = (shlex.quote(str(logs / name)) for name in ("stdout", "stderr"))
    return [
        *(f"unset -v {name}" for name in withheld),
        f"ulimit -f {min(max_file_mb, MAX_FILE_MB) * 1024}",
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


def _tail(file: Path) -> str:
    if not file.exists():
        return ""
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - _TOLD_BYTES))
        lines = opened.read().decode(errors="replace").splitlines()[-_TOLD_LINES:]
    plain = ("".join(c if c.isprintable() else " " for c in line).rstrip() for line in lines)
    return "\n".join(line for line in plain if line)


def _said(text: str) -> str:
    return f" Its last output:\n{text}" if text else ""


def _files(folder: Path, program: str) -> list[Path]:
    entries = sorted(folder.iterdir())
    for entry in entries:
        if entry.is_symlink() or not entry.is_file():
            remedy = "Write only plain files to $MAILROOM_OUTPUT, no folders and no links."
            raise SourceRefused(f"'{program}' created '{entry.name[:100]}', which is not a file.", remedy=remedy)
    if not entries:
        raise SourceRefused(f"'{program}' created no file.", remedy="Write the report's files to $MAILROOM_OUTPUT.")
    if len(entries) > MAX_FILES:
        message = f"'{program}' created {len(entries)} files, but at most {MAX_FILES} can be sent."
        raise SourceRefused(message, remedy="Pack them into one archive.")
    return entries
