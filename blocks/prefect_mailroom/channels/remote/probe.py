"""Prove that a folder on a server can be used: write a small file, read it, remove it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import PurePosixPath

from prefect_mailroom.channels.remote.folder import Lost, RemoteFolder
from prefect_mailroom.channels.remote.threads import Result, Stop, in_thread
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError, MailroomError, RetryLater

_CONTENT = b"Mailroom checks whether it can write here. This file can be removed.\n"


async def write_read_delete(folder: RemoteFolder, name: PurePosixPath, steps: Steps, *, seconds: float) -> None:
    """Take the last three steps of a check, and close the session.

    Args:
        name: of the file, which nothing else may have.
        seconds: the time of each step.

    Raises:
        ConfigurationError, RetryLater: the server does not let one of the steps happen.
    """

    async def ask(work: Callable[[], Result]) -> Result:
        try:
            return await in_thread(work, stop=Stop(), abort=folder.abort, seconds=seconds, grace=1)
        except Lost as error:
            raise RetryLater(f"{folder.where} ended the connection: {error}.") from error
        except TimeoutError as error:
            raise RetryLater(f"{folder.where} did not answer within {seconds:g} s.") from error

    try:
        with steps.step(StepName.WRITE) as told:
            await ask(functools.partial(folder.put, name, [_CONTENT]))
            told.message = f"{folder.shown(name)} was written."
        with steps.step(StepName.READ_BACK) as told:
            try:
                found = await ask(lambda: b"".join(folder.read(name)))
            except FileNotFoundError:
                found = None
            except MailroomError:
                await ask(functools.partial(folder.remove, name))
                raise
            if found is not None and found != _CONTENT:
                raise ConfigurationError(
                    f"{folder.where} gave back {len(found)} bytes that differ from what was written.",
                    remedy="Ask its operator what changes files there.",
                    field="folder",
                )
            told.message = "Somebody took it." if found is None else "The content is what was written."
        with steps.step(StepName.DELETE) as told:
            await ask(functools.partial(folder.remove, name))
            told.message = "It was removed again."
        await ask(folder.close)
    except BaseException:
        folder.abort()
        raise


async def leave(folder: RemoteFolder, *, seconds: float) -> None:
    """Close a session in which nothing was done, or cut it where that takes too long."""
    try:
        await in_thread(folder.close, stop=Stop(), abort=folder.abort, seconds=seconds, grace=1)
    except BaseException:
        folder.abort()
        raise
