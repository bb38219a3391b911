"""A source as Google's client reads it, with the CRC32C of what it has read."""

from __future__ import annotations

import base64

import google_crc32c

from prefect_mailroom.channels.objects.source import Source

_PIECE = 1_048_576


class Summed:
    """A source and its checksum."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._sum = google_crc32c.Checksum()

    @property
    def size(self) -> int:
        """Return the bytes that the file has by the parcel."""
        return self._source.size

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

    def read_to(self, at: int) -> None:
        """Go to a place from which the rest is to be sent, by reading what is before it once more where need be."""
        if self.tell() > at:
            self._source.seek(0)
            self._sum = google_crc32c.Checksum()
        while (missing := at - self.tell()) > 0:
            self.read(min(_PIECE, missing))
