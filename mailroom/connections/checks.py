"""Check whether a connection works, step by step, and write down how its last check ended."""

from __future__ import annotations

import asyncio
import logging
import traceback
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from prefect.blocks.core import Block
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.audit import repository as audit
from mailroom.audit.events import ConnectionChecked
from mailroom.connections import kept_secrets
from mailroom.connections import repository as connection_repository
from mailroom.connections import service as connections
from mailroom.context import Context
from mailroom.errors import CheckFailed, Unavailable
from mailroom.settings import Settings
from mailroom.storage.tables import Connection
from prefect_mailroom.channels.steps import Step, StepName, Steps
from prefect_mailroom.errors import ConfigurationError, MailroomError

CHECK_SECONDS = 30.0
UNSAVED = "(unsaved)"
"""The audit trail has this name for a connection that was tried and not saved."""
_SHORTEST_MASKED = 4
_MASK = "********"
_logger = logging.getLogger(__name__)


@runtime_checkable
class Checkable(Protocol):
    """Check a block; every channel and every source can be checked."""

    async def check(self, steps: Steps) -> str:
        """Tell each step; return one line about the far side."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Record how a check ended.

    Attributes:
        steps: what was tried, in order.
        message: one line about the far side, or what went wrong. Neither holds a secret.
        error: the error of the step that failed, or None.
    """

    steps: list[Step]
    message: str
    error: MailroomError | None = None

    @property
    def outcome(self) -> str:
        """Return in one word how it ended: `ok`, or the error."""
        return type(self.error).__name__ if self.error else "ok"

    def require(self) -> None:
        """Refuse where a step failed.

        Raises:
            CheckFailed: with the steps and the error.
        """
        if self.error is not None:
            raise CheckFailed(self.error, self.steps)


async def of_connection(row: Connection, settings: Settings, seconds: float = CHECK_SECONDS) -> Checked:
    """Ask the far side of a stored connection whether it works, for so many seconds at most.

    Raises:
        Unavailable: Prefect does not answer, so nothing is known about the connection.
    """
    try:
        block = await connections.load(row, settings)
    except ConfigurationError as error:
        step = Step(StepName.PREPARE, False, error.message, error.remedy, 0.0)
        return Checked([step], error.message, error)
    return await of_block(block, seconds)


async def of_block(block: Block, seconds: float = CHECK_SECONDS) -> Checked:
    """Ask the far side of a block whether it works, for so many seconds at most. No error comes out of it."""
    assert isinstance(block, Checkable)  # A test looks at every kind.
    steps, error = Steps(), None
    try:
        async with asyncio.timeout(seconds):
            message = await block.check(steps)
    except MailroomError as found:
        error = found
    except TimeoutError:
        message = f"The far side did not answer within {seconds:g} s."
        error = Unavailable(message, remedy="Check the address and port in the connection.")
    except Exception as unexpected:  # Settings that nobody thought of must not end as an error of ours.
        error = unexpected_end(block, unexpected)
    if error is not None:
        message = error.message
        if not steps.done or steps.done[-1].ok:
            steps.done.append(Step(StepName.PREPARE, False, error.message, error.remedy, 0.0))
    mask = Mask(block)
    return Checked([mask.step(step) for step in steps.done], mask.text(message), mask.error(error))


async def record(row: Connection, checked: Checked, context: Context, session: AsyncSession) -> None:
    """Write down how a check of a stored connection ended, unless its settings have changed meanwhile."""
    ok, message = checked.error is None, checked.message
    await connection_repository.checked(session, row.name, seen=row.updated_at, ok=ok, message=message, now=context.now)
    audit.record_by(session, ConnectionChecked(row.name, row.kind, "", checked.outcome), context)


async def record_unsaved(kind: str, host: str, outcome: str, context: Context, session: AsyncSession) -> None:
    """Record in the audit trail that a connection was checked which is not stored, and where it led."""
    audit.record_by(session, ConnectionChecked(UNSAVED, kind, host, outcome), context)


class Mask:
    """Take the secrets of a block out of what is said about it, in case a far side repeats one. Pure."""

    def __init__(self, block: Block) -> None:
        values = (str(value) for value in kept_secrets.secrets_of(block).values())
        # The longest first: a secret may be part of another.
        self._secrets = sorted((value for value in values if len(value) >= _SHORTEST_MASKED), key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return the text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return text

    def step(self, step: Step) -> Step:
        """Return the step without the secrets."""
        return Step(step.name, step.ok, self.text(step.message), self.text(step.remedy), step.seconds)

    def error(self, error: MailroomError | None) -> MailroomError | None:
        """Return the same error, its words without the secrets."""
        if error is not None:
            error.message, error.remedy = self.text(error.message), self.text(error.remedy)
            error.args = (error.message,)
        return error


def unexpected_end(block: Block, error: Exception) -> MailroomError:
    """Return what is told of an error that nobody thought of; the log has where it came from."""
    # The places alone: what the error says may hold a secret.
    places = "".join(traceback.format_tb(error.__traceback__))
    name = type(error).__name__
    _logger.error("The check of a %s ended unexpectedly with %s:\n%s", type(block).__name__, name, places)
    remedy = "Look at the settings again. If they are right, tell the operator; the log has more."
    return MailroomError(f"The check ended unexpectedly: {name}.", remedy=remedy)
