"""Prove that a bucket can be used: write a small object once, see that it is kept, read it, remove it."""

from __future__ import annotations

import functools
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect_mailroom.channels.base import ParcelFile
from prefect_mailroom.channels.objects.deliver import ask
from prefect_mailroom.channels.objects.source import Source
from prefect_mailroom.channels.objects.store import KEY, AlreadyThere, Facts, ObjectStore
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError, MailroomError

_CONTENT = b"Mailroom checks whether it can write here. This object can be removed.\n"


async def write_read_delete(store: ObjectStore, name: str, steps: Steps, *, seconds: float) -> bool:
    """Take the last three steps of a check, and tell whether the store keeps what is there when asked to.

    Args:
        name: of the object, which nothing else may have.
        seconds: the time of each step.

    Raises:
        ConfigurationError, RetryLater: the store does not let one of the steps happen.
    """

    async def asked(work: Callable[[], Any]) -> Any:
        return await ask(work, abort=store.abort, where=store.where, seconds=seconds)

    try:
        with steps.step(StepName.WRITE) as told:
            await asked(functools.partial(_put, store, name))
            told.message = f"{store.shown(name)} was written."
        try:
            with steps.step(StepName.READ_BACK) as told:
                found = await asked(functools.partial(_content, store, name))
                if found is not None and found != _CONTENT:
                    raise ConfigurationError(
                        f"{store.where} gave back {len(found)} bytes that differ from what was written.",
                        remedy="Ask its operator what changes objects there.",
                        field="endpoint",
                    )
                keeps = await asked(functools.partial(_is_kept, store, name))
                told.message = ("Somebody took it. " if found is None else "The content is what was written. ") + (
                    "The store writes an object once if it is asked to."
                    if keeps
                    else "The store replaces objects even if it is asked not to, so one of two writers may lose."
                )
        except MailroomError:
            await asked(functools.partial(store.remove, name))
            raise
        with steps.step(StepName.DELETE) as told:
            await asked(functools.partial(store.remove, name))
            told.message = "It was removed again."
    except BaseException:
        store.abort()
        raise
    return bool(keeps)


def _put(store: ObjectStore, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "check.txt"
        path.write_bytes(_CONTENT)
        digest = hashlib.sha256(_CONTENT).hexdigest()
        with Source(ParcelFile(path, path.name, "text/plain", len(_CONTENT), digest)) as source:
            store.put(name, source, Facts("text/plain", "inline", {KEY: "check"}), once=True)


def _content(store: ObjectStore, name: str) -> bytes | None:
    try:
        return b"".join(store.read(name))
    except FileNotFoundError:
        return None


def _is_kept(store: ObjectStore, name: str) -> bool:
    try:
        _put(store, name)
    except AlreadyThere:
        return True
    return False
