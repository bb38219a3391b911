"""Jobs, results and errors on their way between processes: JSON, each message led by its length in four bytes.

Errors keep their type.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Any, BinaryIO

from pydantic import BaseModel

from mailroom.errors import Unavailable
from mailroom.rendering.job import RenderJob, RenderResult
from mailroom.rendering.progress import Progress, Tell
from mailroom.reports.errors import LimitExceeded, RenderFailed, as_placed
from prefect_mailroom.errors import ConfigurationError, MailroomError, SourceRefused, SourceUnavailable

MOST = 64_000_000
"""Bytes of one message; more is a fault."""

TYPES: dict[str, type[MailroomError]] = {
    kind.__name__: kind
    for kind in (ConfigurationError, SourceUnavailable, SourceRefused, RenderFailed, LimitExceeded, Unavailable)
}
_MORE = ("field", "limit", "report", "section")
_LENGTH = struct.Struct("!I")


class Broken(Exception):
    """The other end has gone, or what it says is no message."""


class Restarting(Unavailable):
    """The service is not there, or is about to end: another one may be there in a moment."""


class Request(BaseModel):
    """A client's request to the service.

    Attributes:
        group: whose turn it uses up; groups are served in turn.
        urgent: somebody looks at a screen and waits.
        progress: whether the client reads answers that only tell how far the rendering is.
    """

    job: RenderJob
    group: str = ""
    urgent: bool = False
    progress: bool = False


class Answer(BaseModel):
    """A renderer's answer: a result, or an error as {"type", "message", "remedy", …}.

    One with `progress` tells how far the rendering is, and another answer follows. `restarting` says that the error is
    a `Restarting`, which clients of earlier versions read as `Unavailable`.
    """

    progress: Progress | None = None
    restarting: bool = False
    result: RenderResult | None = None
    error: dict[str, Any] | None = None

    def unwrap(self) -> RenderResult:
        """Return the result.

        Raises:
            ConfigurationError, SourceUnavailable, SourceRefused, RenderFailed, LimitExceeded, Unavailable: what the
                other process raised.
        """
        if self.error is not None:
            details = dict(self.error)
            kind = TYPES[details.pop("type")]
            raise as_placed((Restarting if self.restarting else kind)(details.pop("message"), **details))
        assert self.result is not None  # Either is always there.
        return self.result


def failed(error: MailroomError) -> Answer:
    """Return the answer that carries an error."""
    kind = next(kind for kind in type(error).__mro__ if kind.__name__ in TYPES)
    details = {name: getattr(error, name) for name in _MORE if hasattr(error, name)}
    details |= {"type": kind.__name__, "message": error.message, "remedy": error.remedy}
    return Answer(restarting=isinstance(error, Restarting), error=details)


def packed(message: BaseModel) -> bytes:
    """Return the message as bytes, its length first."""
    body = message.model_dump_json().encode()
    return _LENGTH.pack(len(body)) + body


async def receive(stream: asyncio.StreamReader) -> bytes:
    """Return the body of the next message.

    Raises:
        Broken: the stream has ended, or is about to give more than `MOST` bytes.
    """
    try:
        (size,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
        if size > MOST:
            raise Broken(f"A message of {size:,} bytes.")
        return await stream.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise Broken("The other end has gone.") from error


async def last_answer(stream: asyncio.StreamReader, tell: Tell | None) -> Answer:
    """Return the answer that ends the work, and tell of those before it.

    Raises:
        Broken, ValidationError: it does not come.
    """
    while True:
        answer = Answer.model_validate_json(await receive(stream))
        if answer.progress is None:
            return answer
        if tell is not None:
            tell(answer.progress)


def receive_blocking(file: BinaryIO) -> bytes | None:
    """Return the body of the next message, None where the file has ended."""
    head = file.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (size,) = _LENGTH.unpack(head)
    body = file.read(size)
    return body if len(body) == size else None
