"""Reads and writes uploads and answers as each vendor has them: the bad store itself knows no vendor. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bench.troubled.script import BUCKET
from tests.support.azure.azurite import ACCOUNT, CONTAINER
from tests.support.gcs.servers import BUCKET as GCS_BUCKET

_KEY_IN_BODY = re.compile(rb'"mailroom_key":\s*"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Vendor:
    """The form of uploads to one vendor, and of its refusals.

    Attributes:
        upload: what method and path of an upload look like, of a small object.
        name: finds the number of the schedule, in the path or in the beginning of the body.
        key_header: the header that has the key of the delivery; empty where the body has it.
        stored: the status that says that the object is there.
        slow, refused: the answers of a store that is busy, and of one that does not take the credential.
        tries: how often the client itself asks within one attempt while the store is busy.
    """

    kind: str
    upload: re.Pattern[str]
    name: re.Pattern[bytes]
    key_header: str
    stored: int
    slow: bytes
    refused: bytes
    tries: int = 1

    def number(self, method: str, path: str, beginning: bytes) -> int | None:
        """Return the number of the schedule whose object is uploaded, or None for every other request."""
        if not self.upload.match(f"{method} {path}"):
            return None
        found = self.name.search(path.encode() if self.key_header else beginning)
        return int(found[1]) if found else None

    def key(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return the key of the delivery that an upload belongs to.

        Raises:
            ValueError: it has none.
        """
        if self.key_header:
            return headers[self.key_header]
        found = _KEY_IN_BODY.search(body)
        if found is None:
            raise ValueError("The upload has no key of a delivery.")
        return found[1].decode()


def _answer(status: str, body: str, **headers: str) -> bytes:
    told = {"Content-Length": str(len(body)), "Connection": "close"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in told.items()), "", body]
    return "\r\n".join(lines).encode()


def _xml(status: str, code: str, **headers: str) -> bytes:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>"
    return _answer(status, body, Content_Type="text/xml", **headers)


def _json(status: str, reason: str, **headers: str) -> bytes:
    told = {"error": {"code": int(status[:3]), "message": "no", "errors": [{"reason": reason, "message": "no"}]}}
    return _answer(status, json.dumps(told), Content_Type="application/json", **headers)


_FORBIDDEN = "AuthorizationPermissionMismatch"

S3 = Vendor(
    kind="s3",
    upload=re.compile(rf"PUT /{BUCKET}/"),
    name=re.compile(rb"/r(\d+)\.stored"),
    key_header="x-amz-meta-mailroom-key",
    stored=200,
    slow=_xml("503 Slow Down", "SlowDown"),
    refused=_xml("403 Forbidden", "AccessDenied"),
    tries=3,
)
AZURE = Vendor(
    kind="azure",
    upload=re.compile(rf"PUT /{ACCOUNT}/{CONTAINER}/"),
    name=re.compile(rb"/r(\d+)\.stored"),
    key_header="x-ms-meta-mailroom_key",
    stored=201,
    slow=_xml("503 Server Busy", "ServerBusy", x_ms_error_code="ServerBusy", Retry_After="2"),
    refused=_xml("403 Forbidden", _FORBIDDEN, x_ms_error_code=_FORBIDDEN),
)
GCS = Vendor(
    kind="gcs",
    upload=re.compile(rf"POST /upload/storage/v1/b/{GCS_BUCKET}/o"),
    name=re.compile(rb'"name":\s*"r(\d+)\.stored"'),
    key_header="",
    stored=200,
    # Whoever names a time is not asked again within the attempt.
    slow=_json("503 Service Unavailable", "backendError", Retry_After="2"),
    refused=_json("403 Forbidden", "forbidden"),
)
VENDORS = {vendor.kind: vendor for vendor in (S3, AZURE, GCS)}
