"""Deliver a parcel through a server for files: the time that it has, the lost connection, the receipt."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from prefect_mailroom.channels.base import Grade, Parcel, Receipt
from prefect_mailroom.channels.remote.destination import RemoteFileDestination
from prefect_mailroom.channels.remote.folder import Lost, RemoteFolder
from prefect_mailroom.channels.remote.threads import Stop, in_thread
from prefect_mailroom.channels.remote.upload import Upload
from prefect_mailroom.errors import MailroomError, OutcomeUnknown, RetryLater

Borrow = Callable[[], AbstractAsyncContextManager[RemoteFolder]]

_SHARE = 0.85
"""Give the work this part of an attempt's time: the rest is for ending it, and for telling what became of it."""
_END = 0.95
"""Give the whole attempt this part, waiting for a session included: only here is it known if anything can be seen."""


async def deliver(parcel: Parcel, destination: RemoteFileDestination, borrow: Borrow, *, seconds: float) -> Receipt:
    """Bring every file to its place once, and return what the server confirmed.

    A connection that is lost while files get their names is opened once more, to see what became of them.

    Args:
        borrow: lends a session.
        seconds: the time of the attempt.

    Raises:
        ConfigurationError, Refused, Withdrawn: it cannot be delivered.
        RetryLater: no file of this attempt can be seen there.
        OutcomeUnknown: one may be.
    """
    stop = Stop()
    upload = Upload(parcel, destination, stop.check)
    if not parcel.files:
        return Receipt(reference=destination.path, detail={"files": []}, grade=Grade.STORED)
    clock = asyncio.get_running_loop().time
    began, grace = clock(), seconds * (_END - _SHARE) / 2

    async def run() -> Receipt:
        async with asyncio.timeout_at(began + seconds * _END), borrow() as folder:
            if not upload.may_be_visible:
                await parcel.look_again()
            work = functools.partial(upload.run, folder)
            left = max(0.0, began + seconds * _SHARE - clock())
            written = await in_thread(work, stop=stop, abort=folder.abort, seconds=left, grace=grace)
        return Receipt(reference=written[0]["path"], detail={"files": written}, grade=Grade.STORED)

    try:
        return await run()
    except Lost as lost:
        if not upload.may_be_visible:
            raise RetryLater(
                f"The connection was lost before the files were complete ({lost}).",
                remedy="Nothing of them can be seen on the server. The delivery will be tried again.",
            ) from lost
        try:
            return await run()
        except (Lost, MailroomError, TimeoutError) as error:
            raise _unknown(f"The connection was lost while the files got their names ({lost})") from error
    except TimeoutError as error:
        if upload.may_be_visible:
            raise _unknown(f"The files did not all get their names within {seconds:g} s") from error
        raise RetryLater(
            f"The files were not written within {seconds:g} s.",
            remedy="If the server is slow or the files are large, raise the connection's timeout.",
        ) from error


def _unknown(what: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{what}, so they may be there.",
        remedy="The delivery will be tried again; a file that is there with the same content is not written twice.",
    )
