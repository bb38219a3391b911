"""Upload a large object in parts, several at once, so that it appears as a whole or leaves nothing behind."""

from __future__ import annotations

import base64
import hashlib
import io
import math
import zlib
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect_mailroom.channels.objects.source import Source
from prefect_mailroom.channels.objects.store import Lost, Sent
from prefect_mailroom.channels.s3 import headers
from prefect_mailroom.channels.s3.wire.client import CONNECTIONS
from prefect_mailroom.channels.s3.wire.requests import Requests
from prefect_mailroom.errors import MailroomError

FROM = 100_000_000
"""Upload an object of this size or larger in parts."""
PART = 8 * 2**20
"""Send parts of this size, where they are enough: a few of them are in memory at once."""
_MOST_PARTS = 10_000
_LOOK_SECONDS = 0.5
"""Look so often whether the work shall end, while all connections are busy."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part that the store has.

    Attributes:
        crc32: as S3 writes it; empty where it is not AWS.
        md5: of the content; empty where the store does not verify it.
    """

    number: int
    etag: str
    crc32: str
    md5: bytes


class Upload:
    """One upload in parts."""

    def __init__(self, requests: Requests, tidying: Requests, key: str, shown: str, source: Source) -> None:
        """Ask nothing yet.

        Args:
            tidying: other connections, which end the upload where the first ones were cut.
        """
        self._requests = requests
        self._tidying = tidying
        self._key = key
        self._shown = shown
        self._source = source
        self._is_aws = requests.bucket.is_aws
        self._verifies_md5 = requests.bucket.verifies_md5

    def run(self, told: dict[str, Any], asked_once: dict[str, str]) -> Sent:
        """Upload the source.

        Args:
            told: the parameters that tell the facts about the object.
            asked_once: the parameters that have the store write it only where nothing is.

        Raises:
            AlreadyThere, Lost, MailroomError: see the port. Nothing of it stays, unless the store cannot be asked.
        """
        self._source.hold()
        self._end_abandoned()
        whole = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"} if self._is_aws else {}
        upload = self._ask("create_multipart_upload", **told, **whole)["UploadId"]
        try:
            parts, crc32 = self._send_parts(upload)
            return self._complete(upload, parts, crc32, asked_once)
        except BaseException:
            self._end(upload)
            raise

    def _send_parts(self, upload: str) -> tuple[list[Part], int]:
        """Return the parts in order, and the CRC32 of the whole."""
        crc32, sent, waiting = 0, list[Part](), set[Future[Part]]()
        with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="mailroom-part") as pool:
            try:
                for number, content in enumerate(self._pieces(), start=1):
                    crc32 = zlib.crc32(content, crc32) if self._is_aws else 0
                    waiting.add(pool.submit(self._send, upload, number, content))
                    del content  # The worker alone holds it, and lets it go when it is sent.
                    while len(waiting) >= CONNECTIONS:
                        waiting = self._taken(waiting, sent)
                while waiting:
                    waiting = self._taken(waiting, sent)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return sorted(sent, key=lambda part: part.number), crc32

    def _taken(self, waiting: set[Future[Part]], sent: list[Part]) -> set[Future[Part]]:
        """Take the parts that are done, and return those that are not."""
        self._source.check_stop()
        done, left = wait(waiting, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
        sent.extend(future.result() for future in done)
        return left

    def _pieces(self) -> Iterator[bytes]:
        size = part_size(self._source.size)
        while content := _exactly(self._source, size):
            yield content

    def _send(self, upload: str, number: int, content: bytes) -> Part:
        crc32 = _base64(zlib.crc32(content)) if self._is_aws else ""
        md5 = hashlib.md5(content, usedforsecurity=False).digest() if self._verifies_md5 else b""
        verified = {"ChecksumCRC32": crc32} if crc32 else {}
        if md5:
            verified["ContentMD5"] = base64.b64encode(md5).decode()
        answer = self._ask(
            "upload_part",
            UploadId=upload,
            PartNumber=number,
            # As a file, it leaves in blocks, each of which has its own time.
            Body=io.BytesIO(content),
            ContentLength=len(content),
            **verified,
        )
        return Part(number, str(answer["ETag"]), crc32, md5)

    def _complete(self, upload: str, parts: list[Part], crc32: int, asked_once: dict[str, str]) -> Sent:
        told: list[dict[str, Any]] = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        whole: dict[str, Any] = {}
        if self._is_aws:
            told = [entry | {"ChecksumCRC32": part.crc32} for entry, part in zip(told, parts, strict=True)]
            whole = {
                "ChecksumCRC32": _base64(crc32),
                "ChecksumType": "FULL_OBJECT",
                "MpuObjectSize": self._source.size,
            }
        self._source.release()
        answer = self._ask(
            "complete_multipart_upload", UploadId=upload, MultipartUpload={"Parts": told}, **whole, **asked_once
        )
        tag, version = headers.etag(answer), headers.version(answer)
        if self._is_aws:
            return Sent(tag, version, {"crc32": whole["ChecksumCRC32"]})
        if not self._verifies_md5:
            return Sent(tag, version)
        digests = hashlib.md5(b"".join(part.md5 for part in parts), usedforsecurity=False)
        composite = f"{digests.hexdigest()}-{len(parts)}"
        # Only a store that makes its ETag in this way can be asked for it later.
        return Sent(tag, version, {headers.PARTS_MD5: composite} if tag == composite else {})

    def _end(self, upload: str) -> None:
        """Have the store drop the parts; where it cannot be asked, the next attempt does it."""
        try:
            self._tidying.ask("abort_multipart_upload", self._shown, Key=self._key, UploadId=upload)
        except (Lost, FileNotFoundError, MailroomError):
            return

    def _end_abandoned(self) -> None:
        """Drop what an attempt to write this very name has left whose process was killed."""
        before = _now() - timedelta(seconds=self._requests.bucket.seconds)
        try:
            found = self._requests.ask("list_multipart_uploads", self._shown, Prefix=self._key)
        except (FileNotFoundError, MailroomError):
            return  # Not every identity may list them, and not every store can: see the page about lifecycle rules.
        for upload in found.get("Uploads", []):
            if upload["Key"] == self._key and upload["Initiated"] < before:
                self._end(upload["UploadId"])

    def _ask(self, operation: str, **given: Any) -> dict[str, Any]:
        return self._requests.ask(operation, self._shown, Key=self._key, **given)


def part_size(size: int) -> int:
    """Return the size of the parts of an object, in whole MiB where the usual one is too small."""
    return max(PART, math.ceil(size / _MOST_PARTS / 2**20) * 2**20)


def _exactly(source: Source, size: int) -> bytes:
    """Return the next bytes, as many as that unless the file ends."""
    pieces, wanted = [], min(size, source.size - source.tell())
    while wanted:
        pieces.append(source.read(wanted))
        wanted -= len(pieces[-1])
    return b"".join(pieces)


def _base64(crc32: int) -> str:
    return base64.b64encode(crc32.to_bytes(4, "big")).decode()


def _now() -> datetime:
    return datetime.now(UTC)
