"""One bucket of S3 as the port of object stores sees it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from prefect_mailroom.channels.objects.source import Source
from prefect_mailroom.channels.objects.store import Facts, Found, Sent
from prefect_mailroom.channels.s3 import headers, multipart
from prefect_mailroom.channels.s3.wire.client import Account
from prefect_mailroom.channels.s3.wire.faults import status_of, translated
from prefect_mailroom.channels.s3.wire.requests import Requests

_PIECE = 1_048_576
_TIDYING_SECONDS = 10
"""Wait so long for what ends an upload that failed: the rest of the attempt's time is not ours."""


class S3Store:
    """A bucket. Nothing is connected before the first question."""

    def __init__(self, account: Account) -> None:
        self.bucket = account.bucket
        self.where = account.bucket.where
        self.requests = Requests(account, seconds=account.bucket.seconds)
        self._account = account

    def shown(self, name: str) -> str:
        """Return the whole address of an object as people know it, as one harmless line."""
        return self.bucket.shown(name)

    def look(self, name: str) -> Found | None:
        """Return what is there, or None."""
        key = self.bucket.key(name)
        with translated(self.bucket, "head_object", self.shown(name)):
            try:
                answer = self.requests.untranslated("head_object", Key=key, ChecksumMode="ENABLED")
            except ClientError as error:
                if status_of(error) == 404:
                    return None
                if status_of(error) in (400, 403) and error.operation_name == "HeadObject":
                    # An answer to HEAD has no words; one to this has, where it is refused as well.
                    self.requests.untranslated("list_objects_v2", Prefix=key, MaxKeys=1)
                raise
        return headers.found(answer)

    def put(self, name: str, source: Source, facts: Facts, *, once: bool) -> Sent:
        """Write the object; it appears complete or not at all. Nothing of an upload that failed stays behind."""
        key, shown = self.bucket.key(name), self.shown(name)
        asked_once = {"IfNoneMatch": "*"} if once and self.bucket.write_once else {}
        told = headers.told(facts) | headers.encryption(self.bucket)
        if source.size >= multipart.FROM:
            tidying = Requests(self._account, seconds=_TIDYING_SECONDS)
            return multipart.Upload(self.requests, tidying, key, shown, source).run(told, asked_once)
        algorithm, digest, verified = self._verified(source)
        answer = self.requests.ask(
            "put_object",
            shown,
            Key=key,
            Body=source if source.size else source.read(),  # botocore takes an empty file for none.
            ContentLength=source.size,
            **told,
            **asked_once,
            **verified,
        )
        etag = headers.etag(answer)
        # A store whose ETag is not the MD5, as with some encryption, cannot be asked for it later.
        checksums = {algorithm: digest} if algorithm == "sha256" or (digest and etag == digest) else {}
        return Sent(etag, headers.version(answer), checksums)

    def _verified(self, source: Source) -> tuple[str, str, dict[str, str]]:
        """Return the checksum of the whole, its name, and the parameters by which the store verifies what arrives."""
        if self.bucket.is_aws:
            digest = base64.b64encode(bytes.fromhex(source.sha256)).decode()
            return "sha256", digest, {"ChecksumSHA256": digest, "ChecksumAlgorithm": "SHA256"}
        if not self.bucket.verifies_md5:
            return "md5", "", {}
        # Every store verifies this old one; some break on the others.
        digest = _md5(source)
        return "md5", digest, {"ContentMD5": base64.b64encode(bytes.fromhex(digest)).decode()}

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the content from its beginning; the caller may stop in the middle."""
        shown = self.shown(name)
        body = self.requests.ask("get_object", shown, Key=self.bucket.key(name))["Body"]
        try:
            with translated(self.bucket, "get_object", shown):
                yield from body.iter_chunks(_PIECE)
        finally:
            body.close()

    def remove(self, name: str, version: str = "") -> None:
        """Remove the object, or this version of it alone; it is fine where nothing is."""
        which: dict[str, Any] = {"VersionId": version} if version else {}
        self.requests.ask("delete_object", self.shown(name), Key=self.bucket.key(name), **which)

    def abort(self) -> None:
        """Cut every connection at once, from any thread: whoever uses the store gets `Lost`."""
        self.requests.links.cut()


def _md5(source: Source) -> str:
    """Return the MD5 of the whole file, and rewind it."""
    digest = hashlib.md5(usedforsecurity=False)
    while piece := source.read(_PIECE):
        digest.update(piece)
    source.seek(0)
    return digest.hexdigest()
