"""Send one large object as a stream, and go on from what has arrived where a connection breaks.

All but the end leaves in one request, whatever the size, and nothing of it is kept in memory. The end leaves in a
request of its own, with the checksum of the whole, which is known by then: the store makes an object of what it has
only where the checksum is right.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import requests
from google.cloud.storage.exceptions import InvalidResponse

from prefect_mailroom.channels.gcs.summed import Summed
from prefect_mailroom.channels.gcs.wire.client import Connected

END = 4 * 1_048_576
"""Send at most so much with the checksum. It is a multiple of 256 KiB, which Google asks of all pieces but the last."""
_PIECE = 1_048_576
_PAUSES = (0.2, 0.5, 1.0)
"""Wait so long before each further try that follows one of which nothing arrived; then give up."""
_ARRIVED = re.compile(r"bytes=0-(\d+)")
_GOES_ON = 308


def send(connected: Connected, address: str, content: Summed) -> dict[str, Any]:
    """Send the content to the address of an upload that was begun; return what the store tells of the object.

    Raises:
        InvalidResponse, requests.RequestException: as Google's client does; for answers and for lost connections.
    """
    total = content.size
    last = max(0, (total - 1) // END * END)
    at = in_vain = 0
    while True:
        try:
            answer = _put(connected, address, content, at, last if at < last else total)
        except (InvalidResponse, requests.RequestException) as error:
            if in_vain == len(_PAUSES) or not connected.may_be_tried_again(error):
                raise
            time.sleep(_PAUSES[in_vain])
            answer = connected.retry()(_ask)(connected, address, total)
        if answer.status_code != _GOES_ON:
            told: dict[str, Any] = answer.json()
            return told
        arrived = _arrived(answer)
        in_vain = 0 if arrived > at else in_vain + 1
        if in_vain > len(_PAUSES):
            raise InvalidResponse(answer, "Nothing of what was sent has arrived.")
        at = arrived


def _put(connected: Connected, address: str, content: Summed, start: int, end: int) -> requests.Response:
    """Send the bytes from `start` up to `end`, and return the answer, which is not a refusal."""
    headers = {"content-range": f"bytes {start}-{end - 1}/{content.size}"}
    if end == content.size:
        content.read_to(start)
        piece = content.read(end - start)
        return _answer(connected, address, piece, headers | {"x-goog-hash": f"crc32c={content.crc32c}"})
    return _answer(connected, address, _Part(content, start, end), headers)


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


class _Part:
    """The bytes of a part, for a client that sends what it iterates over, from its beginning at each try."""

    def __init__(self, content: Summed, start: int, end: int) -> None:
        self._content, self._start, self._end = content, start, end

    def __len__(self) -> int:
        return self._end - self._start

    def __iter__(self) -> Iterator[bytes]:
        self._content.read_to(self._start)
        while (missing := self._end - self._content.tell()) > 0:
            yield self._content.read(min(_PIECE, missing))
