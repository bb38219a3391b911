"""Hand the files to a program of the worker's machine: a printer, an archive, a bank's own upload tool.

The program runs in a private folder with copies of the files, under limits, and never through a shell that would read
its arguments. Its exit code is the answer.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from prefect.types import SecretDict
from pydantic import Field, field_validator

from prefect_mailroom.channels.base import Channel, Destination, Parcel, Receipt
from prefect_mailroom.channels.command.allowed import permit
from prefect_mailroom.channels.command.answers import TEMPORARY, receipt
from prefect_mailroom.channels.command.arguments import arguments, check
from prefect_mailroom.channels.command.destination import CommandDestination
from prefect_mailroom.channels.command.files import copied
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.programs.environment import Environment
from prefect_mailroom.programs.running import MAX_FILE_MB, Limits, run

_LEFT_FOR_THE_ANSWER = 0.05
"""The part of an attempt's time that is left to read what the program printed, once its own time is up."""


class CommandChannel(Channel):
    """Starts a program with the files as arguments."""

    _block_type_name = "Mailroom Command"
    _block_type_slug = "mailroom-command"
    _description = "Hands report files to a program of the worker's machine, which the operator has to allow."

    kind: ClassVar[str] = "command"
    destination_type: ClassVar[type[Destination]] = CommandDestination
    harmless_fields: ClassVar[frozenset[str]] = frozenset(
        {"retry_exit_codes", "max_file_mb", "max_memory_mb", "max_cpu_seconds"}
    )

    program: str = Field(
        max_length=1000, description="The absolute path of the program. The operator has to allow it as well."
    )
    arguments: list[str] = Field(
        default=["{files}"],
        max_length=100,
        description=(
            "The arguments, each a template. {files} becomes an argument for each file; an argument with {file} or "
            "{file_name} in it is repeated for each file. No shell reads them."
        ),
    )
    environment: Environment = Field(
        default_factory=lambda: SecretDict({}), description="Environment variables of the program, such as its keys."
    )
    retry_exit_codes: list[int] = Field(
        default=[TEMPORARY],
        max_length=50,
        description="Exit codes after which the delivery is tried again; 75 (EX_TEMPFAIL) by default.",
    )
    max_file_mb: int = Field(
        default=1024, ge=1, le=MAX_FILE_MB, description="How large each file may grow that it writes, in MB."
    )
    max_memory_mb: int = Field(
        default=4096, ge=64, le=65_536, description="The address space of each of its processes, in MB."
    )
    max_cpu_seconds: int = Field(
        default=600, ge=1, le=36_000, description="How many seconds each of its processes may compute."
    )

    @field_validator("program")
    @classmethod
    def _program_is_absolute(cls, program: str) -> str:
        if not Path(program).is_absolute() or not program.isprintable():
            raise ValueError("program: it is no absolute path; write one such as /usr/local/bin/to-archive.")
        return program

    @field_validator("arguments")
    @classmethod
    def _arguments_can_be_expanded(cls, templates: list[str]) -> list[str]:
        check(templates)
        return templates

    @field_validator("retry_exit_codes")
    @classmethod
    def _codes_are_codes(cls, codes: list[int]) -> list[int]:
        if not all(0 < code < 256 for code in codes):
            raise ValueError("retry_exit_codes: an exit code of a failure is a number from 1 to 255.")
        return codes

    async def screen(self) -> None:
        """Refuse a program that the operator does not allow."""
        permit(self.program)

    async def transfer(self, parcel: Parcel) -> Receipt:
        """Run the program once."""
        began = time.monotonic()
        self._look()
        with TemporaryDirectory(prefix="mailroom-command-") as folder:
            files = await asyncio.to_thread(copied, parcel.files, Path(folder))
            command = [self.program, *arguments(self.arguments, parcel, files)]
            await parcel.look_again()
            left = self.timeout_seconds * (1 - _LEFT_FOR_THE_ANSWER) - (time.monotonic() - began)
            ended = await run(
                command,
                environment=self._environment(parcel),
                secrets=self._secrets(),
                working_directory=Path(folder),
                limits=Limits(
                    max(left, 0.1),
                    file_mb=self.max_file_mb,
                    memory_mb=self.max_memory_mb,
                    cpu_seconds=self.max_cpu_seconds,
                ),
            )
        return receipt(parcel, ended, self.program, frozenset(self.retry_exit_codes))

    async def check(self, steps: Steps) -> str:
        """Look at the program, without starting it: nobody can tell what it would do."""
        with steps.step(StepName.ANSWER) as told:
            self._look()
            told.message = f"{self.program} is there and allowed. It was not started: only a delivery does that."
        return told.message

    def _look(self) -> None:
        permit(self.program)
        if not os.access(self.program, os.X_OK) or not Path(self.program).is_file():
            raise ConfigurationError(
                f"There is no program '{self.program}' here that Mailroom's user may start.",
                remedy="Install it on every machine with a worker, or correct its path.",
                field="program",
            )

    def _environment(self, parcel: Parcel) -> dict[str, str]:
        given: dict[str, Any] = self.environment.get_secret_value()
        return {
            **given,
            "MAILROOM_DELIVERY_KEY": parcel.key,
            "MAILROOM_ATTEMPT": str(parcel.attempt),
            **({"MAILROOM_TEST": "1"} if parcel.is_test else {}),
        }

    def _secrets(self) -> list[str]:
        return list(self.environment.get_secret_value().values())
