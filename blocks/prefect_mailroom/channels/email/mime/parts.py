"""Write the parts of a mail as bytes: texts anew for each mail, files and pictures once for each content.

Texts become quoted-printable or base64, files base64. Neither can hold `=_`, which every boundary begins with, so no
content can end a part early.
"""

from __future__ import annotations

import binascii
import hashlib
import io
import zipfile
from base64 import b64encode
from collections.abc import Sequence
from email.message import MIMEPart
from email.policy import SMTP

from prefect_mailroom.channels.base import InlineImage, ParcelFile
from prefect_mailroom.channels.email.mime.cache import Part, PartCache
from prefect_mailroom.text.filenames import safe_filename

# 7bit: not every server on the way takes 8BITMIME.
POLICY = SMTP.clone(cte_type="7bit")
CACHE = PartCache(64_000_000)
"""The parts that this process keeps: some large files, or hundreds of usual ones."""

_CHUNK = 57 * 16_384
"""Bytes that are encoded at once; whole lines of base64, of 57 bytes each."""
_LINE = 76
_ASCII = bytes(range(128))


def text_part(subtype: str, text: str) -> bytes:
    """Return a text as a part. Each line break, however written, becomes CRLF; no line is longer than 76 bytes."""
    raw = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode()
    # Where most bytes would have to be written as `=E6`, base64 is shorter.
    if len(raw.translate(None, _ASCII)) * 6 > len(raw):
        coding, body = "base64", _base64(raw)
    else:
        # It breaks long lines as the text breaks its own: by LF alone where there is only one.
        body = binascii.b2a_qp(raw, istext=True)
        coding, body = "quoted-printable", body if b"\r\n" in raw else body.replace(b"\n", b"\r\n")
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {coding}\r\n\r\n'
    return head.encode() + body


def file_part(file: ParcelFile, *, content_id: str = "", disposition: str = "attachment") -> Part:
    """Return a file as a part, encoded once for all mails of this process.

    Args:
        content_id: the name by which the HTML body shows it; empty where it does not.

    Raises:
        OSError: the file cannot be read.
    """
    name = safe_filename(file.filename)
    key = (file.sha256, file.size, name, file.media_type, content_id, disposition)

    def make() -> Part:
        lines = []
        with file.path.open("rb") as source:
            while chunk := source.read(_CHUNK):
                lines.append(_base64(chunk))
        head = _head(file.media_type, name, disposition, content_id)
        return Part(head + b"\r\n".join(lines), file.size)

    return CACHE.get(key, make)


def image_part(image: InlineImage) -> Part:
    """Return a picture that the HTML body shows, encoded once for all mails of this process."""
    key = (hashlib.sha256(image.data).digest(), image.content_id, image.media_type)

    def make() -> Part:
        name = safe_filename(f"{image.content_id}.{image.media_type.partition('/')[2]}")
        head = _head(image.media_type, name, "inline", image.content_id)
        return Part(head + _base64(image.data), len(image.data))

    return CACHE.get(key, make)


def zip_part(files: Sequence[ParcelFile], name: str, *, max_bytes: int) -> Part:
    """Return the files as one archive, packed and encoded once for all mails of this process.

    Args:
        max_bytes: of the archive. One that grows beyond has no content; its `raw_size` tells by being larger.
    """
    name = safe_filename(name)
    key = ("zip", tuple((file.sha256, file.size, file.filename) for file in files), name, max_bytes)

    def make() -> Part:
        packed = _zip(files, max_bytes)
        if len(packed) > max_bytes:
            return Part(b"", len(packed))
        return Part(_head("application/zip", name, "attachment", "") + _base64(packed), len(packed))

    return CACHE.get(key, make)


def multipart(subtype: str, boundary: str, parts: Sequence[Sequence[bytes]], *, options: str = "") -> list[bytes]:
    """Return parts as one part of this subtype, in pieces to be joined once.

    Args:
        options: what stands behind the boundary in its header, such as `; type="text/html"`.
    """
    mark = f"--=_{boundary}"
    pieces = [f'Content-Type: multipart/{subtype}; boundary="=_{boundary}"{options}\r\n'.encode()]
    for part in parts:
        pieces += [f"\r\n{mark}\r\n".encode(), *part]
    return [*pieces, f"\r\n{mark}--\r\n".encode()]


def _head(media_type: str, name: str, disposition: str, content_id: str) -> bytes:
    """Return the headers of a part and the blank line behind them."""
    kind, _, options = media_type.partition(";")
    maintype, _, subtype = kind.strip().partition("/")
    charset = options.strip().removeprefix("charset=")
    part = MIMEPart(policy=POLICY)
    part.set_content(
        b"",
        maintype=maintype,
        subtype=subtype or "octet-stream",
        disposition=disposition,
        filename=name,
        cid=f"<{content_id}>" if content_id else None,
        params={"charset": charset} if charset else None,
    )
    return part.as_bytes().rstrip(b"\r\n") + b"\r\n\r\n"


def _base64(raw: bytes) -> bytes:
    encoded = b64encode(raw)
    return b"\r\n".join([encoded[at : at + _LINE] for at in range(0, len(encoded), _LINE)])


def _zip(files: Sequence[ParcelFile], max_bytes: int) -> bytes:
    """Pack the files, the same bytes each time; end early where the archive is too large already."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            entry = zipfile.ZipInfo(safe_filename(file.filename), date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as target, file.path.open("rb") as source:
                while (chunk := source.read(1024 * 1024)) and packed.tell() <= max_bytes:
                    target.write(chunk)
    return packed.getvalue()
