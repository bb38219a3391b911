"""One bucket of Google Cloud Storage as the port of object stores sees it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import requests
from google.api_core.exceptions import NotFound, PreconditionFailed
from google.auth.exceptions import GoogleAuthError

from prefect_mailroom.channels.gcs import resumable
from prefect_mailroom.channels.gcs.summed import Summed
from prefect_mailroom.channels.gcs.wire.client import Connected
from prefect_mailroom.channels.gcs.wire.faults import answered, translated
from prefect_mailroom.channels.gcs.wire.login import Account
from prefect_mailroom.channels.objects.source import Source
from prefect_mailroom.channels.objects.store import Facts, Found, Lost, Sent
from prefect_mailroom.errors import MailroomError

WHOLE = 4 * 1_048_576
"""Send files up to this size in one request, from memory; larger ones as a stream that goes on where it breaks."""
_PIECE = 1_048_576
_TIDYING_SECONDS = 40
"""A quarter of it is the time in which an upload that failed is ended: the rest of an attempt's time is not ours."""


class GcsStore:
    """A bucket. Nothing is connected before the first question, unless the machine has to be asked who it is."""

    def __init__(self, account: Account) -> None:
        self.bucket = account.bucket
        self.where = account.bucket.where
        self._account = account
        with translated(self.bucket, "use", self.where):
            self._connected = Connected(account, seconds=self.bucket.seconds)

    def shown(self, name: str) -> str:
        """Return the whole address of an object as people know it, as one harmless line."""
        return self.bucket.shown(name)

    def log_in(self) -> None:
        """Fetch a token."""
        with translated(self.bucket, "use", self.where):
            self._connected.log_in()

    def look(self, name: str) -> Found | None:
        """Return what is there, or None."""
        with translated(self.bucket, "look at", self.shown(name)):
            blob = self._bucket().get_blob(self.bucket.full_name(name), **self._asked())
        if blob is None:
            return None
        return Found(
            size=int(blob.size),
            etag=str(blob.etag or ""),
            version=str(blob.generation or ""),
            metadata={str(key).lower(): str(value) for key, value in (blob.metadata or {}).items()},
            checksums={"crc32c": blob.crc32c} if blob.crc32c else {},
        )

    def put(self, name: str, source: Source, facts: Facts, *, once: bool) -> Sent:
        """Write the object; it appears complete or not at all. Nothing of an upload that failed stays behind."""
        blob = self._bucket().blob(self.bucket.full_name(name), kms_key_name=self.bucket.kms_key or None)
        blob.metadata = dict(facts.metadata)
        blob.content_disposition = facts.content_disposition
        if facts.storage_class:
            blob.storage_class = facts.storage_class
        self._connected.was_lost = False
        self._connected.session.uploads.clear()
        asked: dict[str, Any] = {"content_type": facts.media_type, "size": source.size, **self._asked()}
        if once and self.bucket.write_once:
            asked["if_generation_match"] = 0
        try:
            with translated(self.bucket, "write", self.shown(name)):
                if source.size <= WHOLE:
                    # The store refuses content that was changed on its way.
                    reading = Summed(source)
                    blob.upload_from_file(reading, checksum="crc32c", **asked)
                    told, crc32c = {"etag": blob.etag, "generation": blob.generation}, reading.crc32c
                else:
                    crc32c = resumable.crc32c(source)
                    address = blob.create_resumable_upload_session(**asked)
                    told = resumable.send(self._connected, address, source, crc32c)
        except BaseException as error:
            self._end_uploads()
            if isinstance(error, MailroomError) and source.was_given_out and self._connected.was_lost:
                raise Lost("a try was lost, and the next one failed") from error
            raise
        return Sent(str(told.get("etag") or ""), str(told.get("generation") or ""), {"crc32c": crc32c})

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the content from its beginning; the caller may stop in the middle."""
        shown = self.shown(name)
        address = (
            f"{self.bucket.endpoint}/download/storage/v1/b/{quote(self.bucket.name, safe='')}"
            f"/o/{quote(self.bucket.full_name(name), safe='')}?alt=media"
        )
        with translated(self.bucket, "read", shown):
            answer = self._connected.session.get(address, stream=True, timeout=self._connected.seconds)
            with contextlib.closing(answer):
                if not answer.ok:
                    raise answered(self.bucket, answer, "read", shown)
                yield from answer.iter_content(_PIECE)

    def remove(self, name: str, version: str = "") -> None:
        """Remove the object, or this version of it alone; it is fine where nothing is."""
        generation = int(version) if version else None
        blob = self._bucket().blob(self.bucket.full_name(name), generation=generation)
        with translated(self.bucket, "remove", self.shown(name)), contextlib.suppress(NotFound, PreconditionFailed):
            blob.delete(if_generation_match=generation, **self._asked())

    def abort(self) -> None:
        """Cut every connection at once, from any thread: whoever uses the store gets `Lost`."""
        self._connected.cut()

    def _bucket(self) -> Any:
        return self._connected.client.bucket(self.bucket.name)

    def _asked(self) -> dict[str, Any]:
        return {"timeout": self._connected.seconds, "retry": self._connected.retry()}

    def _end_uploads(self) -> None:
        """Have the store forget what it holds of uploads that failed: by connections of their own."""
        if not (addresses := self._connected.session.uploads):
            return
        tidying = Connected(self._account, seconds=_TIDYING_SECONDS)
        with contextlib.suppress(requests.RequestException, GoogleAuthError, MailroomError):
            for address in addresses:
                # It answers 499 where something was forgotten. What cannot be told so ends after a week by itself.
                tidying.session.delete(address, timeout=tidying.seconds).close()
        tidying.cut()
