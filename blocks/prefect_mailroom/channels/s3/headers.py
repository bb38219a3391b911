"""Say the facts about an object in S3's words, and read S3's answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from prefect_mailroom.channels.objects.store import Facts, Found
from prefect_mailroom.channels.s3.bucket import Bucket

PARTS_MD5 = "md5_of_parts"
"""Name the MD5 of the MD5s of all parts, with their number. rclone's S3 tells it once, and later the plain MD5."""
_CHECKSUMS = {"ChecksumSHA256": "sha256", "ChecksumCRC32": "crc32", "ChecksumCRC64NVME": "crc64nvme"}


_ETAGS = {"md5": re.compile("[0-9a-f]{32}"), PARTS_MD5: re.compile("[0-9a-f]{32}-[0-9]+")}


def told(facts: Facts) -> dict[str, Any]:
    """Return the parameters of an upload that tell the facts."""
    found: dict[str, Any] = {
        "ContentType": facts.media_type,
        "ContentDisposition": facts.content_disposition,
        # Proxies drop headers with an underscore, and the signature with them.
        "Metadata": {name.replace("_", "-"): value for name, value in facts.metadata.items()},
    }
    if facts.tags:
        found["Tagging"] = urlencode(dict(facts.tags))
    if facts.storage_class:
        found["StorageClass"] = facts.storage_class
    return found


def encryption(bucket: Bucket) -> dict[str, Any]:
    """Return the parameters of an upload that tell how the store shall encrypt it."""
    if bucket.encryption == "s3":
        return {"ServerSideEncryption": "AES256"}
    if bucket.encryption == "kms":
        key = {"SSEKMSKeyId": bucket.kms_key} if bucket.kms_key else {}
        return {"ServerSideEncryption": "aws:kms", **key}
    return {}


def found(answer: Mapping[str, Any]) -> Found:
    """Return what the answer to HEAD says."""
    tag = etag(answer)
    checksums = {
        name: str(answer[field])
        for field, name in _CHECKSUMS.items()
        if answer.get(field) and "-" not in str(answer[field])  # A checksum of checksums ends with the number of parts.
    }
    return Found(
        size=int(answer["ContentLength"]),
        etag=tag,
        version=version(answer),
        metadata={name.lower().replace("-", "_"): str(value) for name, value in answer.get("Metadata", {}).items()},
        # An ETag of another form, as with some encryption, is no checksum.
        checksums=checksums | {name: tag for name, form in _ETAGS.items() if form.fullmatch(tag)},
    )


def etag(answer: Mapping[str, Any]) -> str:
    """Return the ETag without its quotes."""
    return str(answer.get("ETag", "")).strip('"')


def version(answer: Mapping[str, Any]) -> str:
    """Return the version; empty in a bucket that keeps none."""
    told_version = str(answer.get("VersionId", ""))
    return "" if told_version == "null" else told_version
