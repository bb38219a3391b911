"""Deliver a parcel into an object store: the time that it has, the lost connection, the receipt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from prefect_mailroom.channels.base import Grade, Parcel, Receipt
from prefect_mailroom.channels.objects.destination import ObjectDestination
from prefect_mailroom.channels.objects.store import Lost, ObjectStore
from prefect_mailroom.channels.objects.upload import Upload
from prefect_mailroom.channels.remote.threads import Stop, in_thread
from prefect_mailroom.errors import OutcomeUnknown, RetryLater

_SHARE = 0.9
"""Give the work this part of an attempt's time: the rest is for ending it, and for telling what became of it."""


async def deliver(
    parcel: Parcel,
    destination: ObjectDestination,
    open_store: Callable[[], ObjectStore],
    *,
    storage_class: str = "",
    seconds: float,
) -> Receipt:
    """Bring every file to its place once, and return what the store holds.

    Args:
        open_store: returns the bucket; it runs in the thread of the work, since clients load and log in there.
        seconds: the time of the attempt.

    Raises:
        ConfigurationError, Refused, Withdrawn: it cannot be delivered.
        RetryLater: no object of this attempt is there, as far as the store says.
        OutcomeUnknown: one may be.
    """
    stop = Stop()
    upload = Upload(parcel, destination, storage_class, stop.check)
    if not parcel.files:
        return Receipt(reference=destination.path, detail={"files": []}, grade=Grade.STORED)
    await parcel.look_again()
    opened: list[ObjectStore] = []

    def work() -> list[dict[str, Any]]:
        opened.append(open_store())
        return upload.run(opened[0])

    def abort() -> None:
        for store in opened:
            store.abort()

    try:
        written = await in_thread(
            work, stop=stop, abort=abort, seconds=seconds * _SHARE, grace=seconds * (1 - _SHARE) / 4
        )
    except Lost as lost:
        if upload.may_be_there:
            raise _unknown(f"The connection was lost while objects were written ({lost})") from lost
        raise RetryLater(f"The connection was lost before an object was complete ({lost}).") from lost
    except TimeoutError as error:
        if upload.may_be_there:
            raise _unknown(f"The objects were not all confirmed within {seconds:g} s") from error
        raise RetryLater(
            f"The objects were not written within {seconds:g} s.",
            remedy="If the files are large or the line is slow, raise the connection's timeout.",
        ) from error
    finally:
        abort()  # Nobody uses its connections any more.
    return Receipt(reference=written[0]["path"], detail={"files": written}, grade=Grade.STORED)


def _unknown(what: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{what}, so they may be there.",
        remedy="The delivery will be tried again; an object of this delivery that is there is not written twice.",
    )


async def ask(work: Callable[[], Any], *, abort: Callable[[], object], where: str, seconds: float) -> Any:
    """Return the answer of a store to one short question, such as those of a check.

    Raises:
        RetryLater: it did not answer.
    """
    try:
        async with asyncio.timeout(seconds * 1.5):
            return await in_thread(work, stop=Stop(), abort=abort, seconds=seconds, grace=1)
    except Lost as error:
        raise RetryLater(f"{where} ended the connection: {error}.") from error
    except TimeoutError as error:
        raise RetryLater(f"{where} did not answer within {seconds:g} s.") from error
