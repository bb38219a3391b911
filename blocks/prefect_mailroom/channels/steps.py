"""Tell a check of a connection step by step, so that a person sees how far it came and what to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from prefect_mailroom.errors import MailroomError


class StepName(StrEnum):
    """Name the steps that a check may have, in their usual order. A channel takes those that it has.

    `prepare` is everything before the first of them, such as settings that cannot be used; it is told where it fails.
    `find` is for what runs on this machine. `deliver` comes after a check, where a test is sent.
    """

    PREPARE = "prepare"
    FIND = "find"
    RESOLVE = "resolve"
    CONNECT = "connect"
    ENCRYPT = "encrypt"
    HOST_KEY = "host_key"
    LOGIN = "login"
    ANSWER = "answer"
    WRITE = "write"
    READ_BACK = "read_back"
    DELETE = "delete"
    DELIVER = "deliver"


@dataclass(frozen=True, slots=True)
class Step:
    """One step that was tried.

    Attributes:
        message: what was found, or what went wrong. It holds no secret.
        remedy: what to do about it; empty where it worked.
        seconds: how long it took.
    """

    name: StepName
    ok: bool
    message: str
    remedy: str
    seconds: float


class Told:
    """Hold what a step has to tell once it has worked."""

    message = ""


class Steps:
    """Collects the steps of one check. `done` has those that were tried, in order; the check ends at one that fails."""

    def __init__(self) -> None:
        self.done: list[Step] = []

    @contextmanager
    def step(self, name: StepName) -> Iterator[Told]:
        """Record the block as one step, which fails by the error that the block raises; the error goes on."""
        began, told = time.monotonic(), Told()

        def record(ok: bool, message: str, remedy: str = "") -> None:
            self.done.append(Step(name, ok, message, remedy, time.monotonic() - began))

        try:
            yield told
        except MailroomError as error:
            record(False, error.message, error.remedy)
            raise
        except asyncio.CancelledError:
            record(False, "There was no answer in time.", "Check the address and port, and any firewall between.")
            raise
        except Exception as error:
            record(False, f"It ended unexpectedly: {type(error).__name__}.")
            raise
        record(True, told.message)
