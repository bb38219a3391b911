"""A command whose files are the report: dbt, Quarto, a script. It runs beside the flow, not in a renderer process."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from prefect.types import SecretDict
from pydantic import ConfigDict, Field

from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError, SourceRefused
from prefect_mailroom.own_class import OwnClass
from prefect_mailroom.programs.environment import Environment
from prefect_mailroom.programs.running import MAX_FILE_MB, Limits, run

MAX_FILES = 50
_TOLD_LINES = 10


class ShellSource(OwnClass):
    """The programs that reports may run, with their working directory and environment.

    The command is a list of words in which nothing is expanded; see `programs/running.py`.
    """

    # A rejected value may be a secret: pydantic would print it.
    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Mailroom shell source"
    _block_type_slug = "mailroom-shell-source"
    _description = "Programs that reports may run. The files that they write to $MAILROOM_OUTPUT are the report."

    kind: ClassVar[str] = "shell"

    working_directory: Path = Field(description="The folder in which commands run.")
    allowed_programs: list[str] = Field(
        min_length=1,
        description=("The programs that a report's command may start: names found on the PATH, or absolute paths."),
    )
    environment: Environment = Field(
        default_factory=lambda: SecretDict({}), description=("Environment variables for the commands.")
    )

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
        self._check_command(command)
        ended = await run(
            command,
            environment=self._environment(parameters, folder),
            secrets=self.environment.get_secret_value().values(),
            working_directory=self.working_directory,
            limits=Limits(timeout_seconds, file_mb=max_file_mb),
        )
        told = "\n".join(ended.err.splitlines()[-_TOLD_LINES:])
        if ended.exit_code is None:
            remedy = "Make the command faster, or raise the source's timeout_seconds." + _said(told)
            raise SourceRefused(f"'{command[0]}' took longer than {timeout_seconds:g} s and was ended.", remedy=remedy)
        if ended.exit_code != 0:
            message = f"'{command[0]}' failed with exit code {ended.exit_code}."
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
        if shutil.which(command[0], path=self.environment.get_secret_value().get("PATH")) is None:
            remedy = "Install it where the worker runs, or correct its name."
            raise ConfigurationError(f"There is no program '{command[0]}' here.", remedy=remedy, field="source.command")
        if not self.working_directory.is_dir():
            raise ConfigurationError(
                f"There is no folder {self.working_directory}.",
                remedy="Correct the connection's working directory.",
                field="working_directory",
            )

    def _environment(self, parameters: Mapping[str, Any], folder: Path) -> dict[str, str]:
        given: dict[str, str] = dict(self.environment.get_secret_value())
        for name, value in parameters.items():
            if value is not None:
                text = str(value).lower() if isinstance(value, bool) else str(value)
                if "\0" in text:
                    raise SourceRefused(f"The parameter {name} contains a NUL character.", remedy="Remove it.")
                given[f"MAILROOM_PARAM_{name.upper()}"] = text
        return {**given, "MAILROOM_OUTPUT": str(folder)}


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
