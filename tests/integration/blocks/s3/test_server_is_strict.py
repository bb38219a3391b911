"""Prove that moto, with one request at a time, is strict enough for what the other tests say by it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.s3.servers import BUCKET, EXTERNAL_ID, ROLE, S3Server

WRITERS = 12


def answer(ask: Callable[..., Any], **given: Any) -> int:
    """Return the HTTP status of an answer."""
    try:
        found: int = ask(Bucket=BUCKET, **given)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        found = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return found


def in_parts(client: Any, content: bytes) -> int:
    """Upload in one part, only where nothing is, and return the status of its completion."""
    upload = client.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]
    part = client.upload_part(Bucket=BUCKET, Key="parts", UploadId=upload, PartNumber=1, Body=content)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    return answer(
        client.complete_multipart_upload, Key="parts", UploadId=upload, MultipartUpload=parts, IfNoneMatch="*"
    )


def test_one_of_many_writers_wins(server: S3Server) -> None:
    client = server.client()
    with ThreadPoolExecutor(WRITERS) as pool:
        single = list(
            pool.map(
                lambda number: answer(client.put_object, Key="one", Body=b"%d" % number, IfNoneMatch="*"),
                range(WRITERS),
            )
        )
        parts = list(pool.map(lambda number: in_parts(client, b"%d" % number), range(WRITERS)))
    assert sorted(single) == [200] + [412] * (WRITERS - 1)
    assert sorted(parts) == [200] + [412] * (WRITERS - 1)
    assert answer(client.put_object, Key="parts", Body=b"late", IfNoneMatch="*") == 412
    # What was refused is kept until it is ended, as by S3 itself.
    assert len(server.unfinished()) == WRITERS - 1


def test_a_wrong_signature_is_refused(server: S3Server) -> None:
    client = S3Server(server.port, server.key_id, "wrong").client()
    assert answer(client.put_object, Key="one", Body=b"1") == 403
    assert answer(client.list_objects_v2) == 403


def test_a_role_asks_for_its_external_id(server: S3Server) -> None:
    sts = server.client("sts")
    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=ROLE, RoleSessionName="mailroom", ExternalId="wrong")
    found = sts.assume_role(RoleArn=ROLE, RoleSessionName="mailroom", ExternalId=EXTERNAL_ID)["Credentials"]
    assert found["SessionToken"]
