"""The forms that mail providers and our page post to a link, in both encodings, and what is none."""

from __future__ import annotations

import pytest
from fastapi import Request
from starlette.types import Message

from api.web.links.requests import fields_of

URLENCODED = "application/x-www-form-urlencoded"
PARTS = (
    b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n'
    b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n\xc3\xa9\r\n--x--\r\n'
)
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


async def _fields(media: str, body: bytes, pieces: int = 1) -> dict[str, str] | None:
    size = len(body) // pieces + 1
    chunks = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": chunk is not chunks[-1]} for chunk in chunks
    ]

    async def receive() -> Message:
        return messages.pop(0)

    headers = [(b"content-type", media.encode("latin-1"))] if media else []
    return await fields_of(Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive))


@pytest.mark.parametrize("pieces", [1, 7])
async def test_both_encodings_are_read(pieces: int) -> None:
    assert await _fields(URLENCODED, b"List-Unsubscribe=One-Click", pieces) == ONE_CLICK
    assert await _fields(f"{URLENCODED}; charset=UTF-8", b"List-Unsubscribe=One-Click", pieces) == ONE_CLICK
    assert await _fields("multipart/form-data; boundary=x", PARTS, pieces) == {**ONE_CLICK, "other": "é"}
    assert await _fields('Multipart/Form-Data; boundary="x"', PARTS, pieces) == {**ONE_CLICK, "other": "é"}


@pytest.mark.parametrize(
    ("media", "body"),
    [
        ("", b"List-Unsubscribe=One-Click"),
        ("application/json", b'{"List-Unsubscribe": "One-Click"}'),
        ("text/plain", b"List-Unsubscribe=One-Click"),
        (URLENCODED, b"\xff=1"),
        (URLENCODED, b"a=1&" * 5000),
        (URLENCODED, b"a=1&" * 1000),
        ("multipart/form-data; boundary=x", PARTS + b"-" * 20_000),
    ],
)
async def test_what_is_no_form_of_ours_is_none(media: str, body: bytes) -> None:
    assert not await _fields(media, body)


@pytest.mark.parametrize(
    ("media", "body"),
    [
        ("multipart/form-data", PARTS),
        ("multipart/form-data; boundary=y", PARTS),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--x--'),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\n--z--\r\n--x--"),
    ],
)
async def test_a_broken_form_in_parts_says_nothing(media: str, body: bytes) -> None:
    assert "List-Unsubscribe" not in (await _fields(media, body) or {})
