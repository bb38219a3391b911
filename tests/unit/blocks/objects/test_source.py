"""A file that is read for an upload: whole and unchanged, or its last bytes never leave."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from prefect_mailroom.channels.base import ParcelFile
from prefect_mailroom.channels.objects.source import Source
from prefect_mailroom.errors import Refused, RetryLater

CONTENT = b"0123456789"


def a_file(folder: Path, content: bytes = CONTENT) -> ParcelFile:
    path = folder / "artifact"
    path.write_bytes(content)
    return ParcelFile(path, "a.csv", "text/csv", len(content), hashlib.sha256(content).hexdigest())


def test_it_is_read_and_may_be_sent_once_more(tmp_path: Path) -> None:
    told: list[int] = []
    with Source(a_file(tmp_path), tell=told.append) as source:
        given = [source.was_given_out]
        assert source.read(4) == b"0123"
        given.append(source.was_given_out)
        source.seek(0)
        assert source.read(100) == CONTENT
        assert source.read(100) == b""
        given.append(source.was_given_out)
        source.seek(0)
        given.append(source.was_given_out)
        assert given == [False, False, True, True]
        assert (source.seek(0, io.SEEK_END), source.tell(), len(source)) == (10, 0, 10)
        with pytest.raises(io.UnsupportedOperation):
            source.seek(3)
    assert told == [4, 10, 10]


@pytest.mark.parametrize("changed", [b"0123456780", b"012345678", b"01234567890", b""])
def test_a_changed_file_is_never_given_out(tmp_path: Path, changed: bytes) -> None:
    file = a_file(tmp_path)
    file.path.write_bytes(changed)
    given = list[bytes]()
    with Source(file) as source:
        if len(changed) > len(CONTENT):
            assert source.read(10) == CONTENT  # What was rendered is there, and no more of it leaves.
            return
        with pytest.raises(Refused):
            given.extend(iter(lambda: source.read(3), b""))
        assert not source.was_given_out
    assert len(b"".join(given)) < len(CONTENT)


def test_an_upload_in_parts_holds_it_back(tmp_path: Path) -> None:
    with Source(a_file(tmp_path)) as source:
        source.hold()
        assert source.read(100) == CONTENT
        held = source.was_given_out
        source.release()
        assert [held, source.was_given_out] == [False, True]


def test_an_empty_file_is_whole(tmp_path: Path) -> None:
    with Source(a_file(tmp_path, b"")) as source:
        assert source.was_given_out
        assert source.read(10) == b""


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    file = a_file(tmp_path)
    file.path.unlink()
    with pytest.raises(RetryLater):
        Source(file)


def test_the_order_to_end_is_heard_before_each_read(tmp_path: Path) -> None:
    class EndedError(Exception):
        pass

    def end() -> None:
        raise EndedError

    with Source(a_file(tmp_path), check_stop=end) as source, pytest.raises(EndedError):
        source.read(1)
