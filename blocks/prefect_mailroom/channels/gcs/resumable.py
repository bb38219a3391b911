"""Send one large object as a stream, and go on from what has arrived where a connection breaks.

Whatever its size, it leaves in one request, and a megabyte of it is in memory. Its checksum is computed before, and
travels ahead of it: the store makes an object of what it has only where the checksum is right.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from typing import Any

import google_crc32c
import requests
from google.cloud.storage.exceptions import InvalidResponse

from prefect_mailroom.channels.gcs.wire.client import Connected
from prefect_mailroom.channels.objects.source import Source

_PIECE = 1_048_576
_PAUSES = (0.2, 0.5, 1.0)
"""Wait so long before each further try that follows one of which nothing arrived; then give up."""
_ARRIVED = re.compile(r"bytes=0-(\d+)")
_GOES_ON = 308


def crc32c(source: Source) -> str:
    """Return the checksum of the whole file, as Google writes it."""
    found = google_crc32c.Checksum()
    source.scan(found.update)
    return base64.b64encode(found.digest()).decode()


def send(connected: Connected, address: str, source: Source, checksum: str) -> dict[str, Any]:
    """Send a file to the address of an upload that was begun; return what the store tells of the object.

    Args:
        checksum: the CRC32C of the whole file.

    Raises:
        InvalidResponse, requests.RequestException: as Google's client does; for answers and for lost connections.
    """
    at = in_vain = 0
    while True:
        try:
            answer = _rest(connected, address, source, at, checksum)
        except (InvalidResponse, requests.RequestException) as error:
            if in_vain == len(_PAUSES) or not connected.may_be_tried_again(error):
                raise
            time.sleep(_PAUSES[in_vain])
            answer = connected.retry()(_ask)(connected, address, source.size)
        if answer.status_code != _GOES_ON:
            told: dict[str, Any] = answer.json()
            return told
        arrived = _arrived(answer)
        in_vain = 0 if arrived > at else in_vain + 1
        if in_vain > len(_PAUSES):
            raise InvalidResponse(answer, "Nothing of what was sent has arrived.")
        at = arrived


def _rest(connected: Connected, address: str, source: Source, start: int, checksum: str) -> requests.Response:
    """Send everything from `start`, and return the answer, which is not a refusal."""
    told = {"content-range": f"bytes {start}-{source.size - 1}/{source.size}", "x-goog-hash": f"crc32c={checksum}"}
    return _answer(connected, address, _Rest(source, start), told)


def _ask(connected: Connected, address: str, total: int) -> requests.Response:
    """Ask what has arrived so far."""
    return _answer(connected, address, b"", {"content-range": f"bytes */{total}"})


def _answer(connected: Connected, address: str, body: Any, headers: dict[str, str]) -> requests.Response:
    answer = connected.session.put(address, data=body, headers=headers, timeout=connected.seconds)
    if answer.status_code not in (200, 201, _GOES_ON):
        raise InvalidResponse(answer, "The store refuses a part of an upload.")
    return answer


def _arrived(answer: requests.Response) -> int:
    """Return how many bytes the store has."""
    found = _ARRIVED.fullmatch(answer.headers.get("range", ""))
    return int(found[1]) + 1 if found else 0


class _Rest:
    """The file from a place on, for a client that sends what it iterates over, from its beginning at each try."""

    def __init__(self, source: Source, start: int) -> None:
        self._source, self._start = source, start

    def __len__(self) -> int:
        return self._source.size - self._start

    def __iter__(self) -> Iterator[bytes]:
        if self._source.tell() > self._start:
            self._source.seek(0)
        while (missing := self._start - self._source.tell()) > 0:
            self._source.read(min(_PIECE, missing))
        while piece := self._source.read(_PIECE):
            yield piece
