"""Give Google's client a file in whole pieces, and sum them up."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import google_crc32c
import pytest

from prefect_mailroom.channels.base import ParcelFile
from prefect_mailroom.channels.gcs import resumable
from prefect_mailroom.channels.gcs.summed import Summed
from prefect_mailroom.channels.objects.source import Source


class Slow(Source):
    """A file of which each read gives little, as some disks over a network do."""

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]  # As its base.
        return super().readinto(memoryview(buffer)[:7])


def test_pieces_are_whole_whatever_a_read_gives(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10
    (tmp_path / "a").write_bytes(content)
    file = ParcelFile(tmp_path / "a", "a", "x/y", len(content), hashlib.sha256(content).hexdigest())
    with Slow(file) as source:
        reading = Summed(source)
        assert [len(reading.read(1000)) for _ in range(4)] == [1000, 1000, 560, 0]
        assert reading.tell() == len(content)
        assert base64.b64decode(reading.crc32c) == google_crc32c.Checksum(content).digest()


@pytest.mark.parametrize("at", [0, 500, 2000])
def test_the_rest_is_what_has_not_arrived(at: int, tmp_path: Path) -> None:
    """The connection broke after 2,000 bytes, and the store has kept some of them."""
    content = bytes(range(256)) * 10
    (tmp_path / "a").write_bytes(content)
    told: list[int] = []
    file = ParcelFile(tmp_path / "a", "a", "x/y", len(content), hashlib.sha256(content).hexdigest())
    with Source(file, tell=told.append) as source:
        assert base64.b64decode(resumable.crc32c(source)) == google_crc32c.Checksum(content).digest()
        assert (told, source.was_given_out) == ([], False), "what is read for the checksum has not left"
        source.read(2000)
        rest = resumable._Rest(source, at)
        assert len(rest) == len(content) - at
        assert b"".join(rest) == content[at:]
        assert b"".join(rest) == content[at:], "once more from its beginning"
        assert source.was_given_out
