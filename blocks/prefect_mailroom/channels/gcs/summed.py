"""A source as Google's client reads it, with the CRC32C of what it has read."""

from __future__ import annotations

import base64

import google_crc32c

from prefect_mailroom.channels.objects.source import Source


class Summed:
    """A source and its checksum."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._sum = google_crc32c.Checksum()

    @property
    def crc32c(self) -> str:
        """Return the checksum of all that was read, as Google writes it."""
        return base64.b64encode(self._sum.digest()).decode()

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._source.tell()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes: as many as are wanted, but at the end."""
        pieces: list[bytes] = []
        missing = size
        while missing and (piece := self._source.read(missing)):
            pieces.append(piece)
            missing -= len(piece)
        content = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._sum.update(content)
        return content
