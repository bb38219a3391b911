"""The parts of a mail: byte by byte what was meant, encoded once however many ask."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prefect_mailroom.channels.base import InlineImage, ParcelFile
from prefect_mailroom.channels.email.mime.cache import Part, PartCache
from prefect_mailroom.channels.email.mime.parts import file_part, image_part, multipart, text_part, zip_part

FileOf = Callable[..., ParcelFile]


def part_of(size: int) -> Part:
    return Part(b"x" * size, size)


def test_the_oldest_goes_first_and_the_bytes_are_bounded() -> None:
    cache = PartCache(100)
    for key in ("a", "b"):
        cache.get(key, lambda: part_of(40))
    cache.get("a", lambda: pytest.fail("it is kept"))
    cache.get("c", lambda: part_of(40))
    assert cache.size == 80
    cache.get("a", lambda: pytest.fail("it was asked for after b"))
    assert cache.get("b", lambda: part_of(1)).raw_size == 1


def test_what_is_larger_than_everything_is_made_and_not_kept() -> None:
    cache = PartCache(100)
    cache.get("a", lambda: part_of(40))
    assert cache.get("huge", lambda: part_of(101)).raw_size == 101
    assert cache.size == 40
    assert cache.get("huge", lambda: part_of(7)).raw_size == 7


def test_many_who_want_the_same_at_once_have_it_made_once() -> None:
    cache, may_end, made = PartCache(100), threading.Event(), []

    def make() -> Part:
        made.append(1)
        assert may_end.wait(60)
        return part_of(10)

    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(cache.get, "a", make) for _ in range(8)]
        may_end.set()
        assert {one.result(timeout=60).raw_size for one in asked} == {10}
    assert made == [1]


def test_an_error_is_told_and_not_kept() -> None:
    cache = PartCache(100)

    def fail() -> Part:
        raise FileNotFoundError("gone")

    with pytest.raises(FileNotFoundError):
        cache.get("a", fail)
    assert cache.get("a", lambda: part_of(5)).raw_size == 5


@example("x" * 200)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400))
def test_a_text_arrives_as_it_was_in_short_ascii_lines(text: str) -> None:
    raw = text_part("plain", text)
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 76
    assert b"\n.\r" not in raw
    found = message_from_bytes(raw, policy=default).get_payload(decode=True)
    assert isinstance(found, bytes)
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    assert found.decode().replace("\r\n", "\n") == lines


def test_mostly_foreign_letters_are_shorter_in_base64() -> None:
    assert b"base64" in text_part("plain", "東京" * 50).partition(b"\r\n\r\n")[0]
    assert (
        b"quoted-printable" in text_part("plain", "The size (Größe) of the day in one line").partition(b"\r\n\r\n")[0]
    )


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 57 * 16_384 - 1, 57 * 16_384, 57 * 16_384 + 1])
def test_a_file_of_any_length_arrives_byte_by_byte(file_of: FileOf, size: int) -> None:
    content = (bytes(range(256)) * (size // 256 + 1))[:size]
    raw = file_part(file_of("Übersicht & März 東京.bin", content)).content
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    part = message_from_bytes(raw, policy=default)
    assert part.get_payload(decode=True) == content
    assert part.get_filename() == "Übersicht & März 東京.bin"


def test_a_file_is_read_once(file_of: FileOf) -> None:
    file = file_of("a.csv", b"a;b\r\n")
    first = file_part(file)
    file.path.unlink()
    assert file_part(file) is first
    with pytest.raises(FileNotFoundError):
        file_part(file, disposition="inline")


def test_two_files_of_one_name_do_not_take_each_others_place(file_of: FileOf) -> None:
    one, two = file_of("a.csv", b"1"), file_of("a.csv", b"2")
    assert file_part(one).content != file_part(two).content


def test_pictures_are_told_apart_by_what_they_show() -> None:
    one, other = (image_part(InlineImage("chart-1", "image/png", data)).content for data in (b"1", b"2"))
    assert one != other


def test_an_archive_is_the_same_each_time_and_ends_early_where_it_is_too_large(file_of: FileOf) -> None:
    files = [file_of("ä.csv", b"a" * 5_000), file_of("b.bin", bytes(range(256)) * 20_000)]
    packed = zip_part(files, "sales.zip", max_bytes=1_000_000)
    part = message_from_bytes(packed.content, policy=default)
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert len(content) == packed.raw_size
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            file.filename: file.path.read_bytes() for file in files
        }
    too_large = zip_part(files, "sales.zip", max_bytes=100)
    assert too_large.raw_size > 100
    assert too_large.content == b""


def test_a_part_cannot_end_the_part_around_it() -> None:
    hostile = "--=_mixed_1--\r\n\r\n--=_mixed_1\r\n"
    raw = b"".join(multipart("mixed", "mixed_1", [[text_part("plain", hostile)], [text_part("html", "<p>x</p>")]]))
    parts = list(message_from_bytes(raw, policy=default).iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert parts[0].get_content().replace("\r\n", "\n") == hostile.replace("\r\n", "\n")
