"""What is done for AWS alone, with its names, TLS and regional STS: moto answers where AWS would.

A host of AWS is looked up as it is; only the connection ends at moto, so what is sent and signed is what AWS would get.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_mailroom import outbound
from prefect_mailroom.channels.s3 import multipart
from prefect_mailroom.channels.s3.channel import S3Channel
from prefect_mailroom.channels.s3.destination import S3Destination
from prefect_mailroom.channels.s3.wire.client import account
from prefect_mailroom.channels.steps import StepName, Steps
from tests.support.parcels import a_parcel
from tests.support.s3.servers import BUCKET, EXTERNAL_ID, ROLE, S3Server, moto


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with moto(tmp_path_factory.mktemp("aws"), aws_names=True) as server:
        yield server


@pytest.fixture
def asked(aws: S3Server, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the hosts of AWS that were connected to, each time."""
    hosts: list[str] = []
    connect, resolve = outbound.connect, outbound.resolve

    async def to_moto(host: str, port: int, **options: Any) -> socket.socket:
        assert host.endswith(".eu-central-1.amazonaws.com")
        assert port == 443
        hosts.append(host)
        return await connect("127.0.0.1", aws.port, **options)

    async def known(host: str, port: int, **options: Any) -> list[str]:
        return await resolve("127.0.0.1" if host.endswith(".amazonaws.com") else host, port, **options)

    monkeypatch.setattr(outbound, "connect", to_moto)
    monkeypatch.setattr(outbound, "resolve", known)
    account.cache_clear()
    return hosts


def channel(aws: S3Server, **settings: Any) -> S3Channel:
    given: dict[str, Any] = {"bucket": BUCKET, "region": "eu-central-1", "identity": "keys", "ca_certificates": aws.pem}
    given |= {"access_key_id": aws.key_id, "secret_access_key": aws.secret, "timeout_seconds": 30}
    return S3Channel(**{**given, **settings})


async def test_check_says_who_it_is(aws: S3Server, asked: list[str]) -> None:
    steps = Steps()
    await channel(aws).check(steps)
    told = {step.name: step.message for step in steps.done}
    assert list(told) == [
        StepName.RESOLVE,
        StepName.CONNECT,
        StepName.ENCRYPT,
        StepName.LOGIN,
        StepName.WRITE,
        StepName.READ_BACK,
        StepName.DELETE,
    ]
    assert "arn:aws:iam::123456789012:user/reports" in told[StepName.LOGIN]
    assert set(asked) == {
        "s3.eu-central-1.amazonaws.com",
        "reports.s3.eu-central-1.amazonaws.com",
        "sts.eu-central-1.amazonaws.com",
    }


async def test_a_role_of_the_regions_sts(aws: S3Server, asked: list[str], tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path, S3Destination(connection="test", path="by-role.csv"), {"a.csv": b"1"})
    by_role = channel(aws, identity="role", role_arn=ROLE, external_id=EXTERNAL_ID)
    await by_role.deliver(parcel)
    assert asked[0] == "sts.eu-central-1.amazonaws.com"
    link = await by_role.signed_link("by-role.csv", filename="Übersicht.csv", seconds=7 * 24 * 3600)
    # A link dies with the credentials that signed it: for links, a role is asked for twelve hours of them.
    assert "X-Amz-Security-Token" in link.url
    assert 42_000 < int(httpx.URL(link.url).params["X-Amz-Expires"]) <= 43_200


async def test_whole_checksums_are_read_back(
    aws: S3Server, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 computes the SHA-256 of an object that comes at once, and the CRC32 of one in parts."""
    monkeypatch.setattr(multipart, "FROM", 10_000_000)
    monkeypatch.setattr(multipart, "PART", 5 * 2**20)
    small, large = b"figures" * 1000, bytes(range(256)) * 47_000
    destination = S3Destination(connection="test", path="{file_name}", if_exists="fail")
    parcel = a_parcel(tmp_path, destination, {"small.csv": small, "large.bin": large})
    receipt = await channel(aws, encryption="s3").deliver(parcel)
    first, second = receipt.detail["files"]
    assert first["checksums"]["sha256"] == base64.b64encode(hashlib.sha256(small).digest()).decode()
    assert second["bytes"] == len(large)
    told = aws.client(region="eu-central-1").head_object(Bucket=BUCKET, Key="large.bin", ChecksumMode="ENABLED")
    assert told["ServerSideEncryption"] == "AES256"
    crc32 = base64.b64encode(zlib.crc32(large).to_bytes(4, "big")).decode()
    assert second["checksums"].get("crc32", crc32) == crc32
    again = await channel(aws).deliver(parcel)
    assert [file["was_there"] for file in again.detail["files"]] == [True, True]


async def test_encrypted_with_a_key(aws: S3Server, asked: list[str], tmp_path: Path) -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    parcel = a_parcel(tmp_path, S3Destination(connection="test", path="kms.csv"), {"a.csv": b"1"})
    await channel(aws, encryption="kms", kms_key=key).deliver(parcel)
    told = aws.client(region="eu-central-1").head_object(Bucket=BUCKET, Key="kms.csv")
    assert told["ServerSideEncryption"] == "aws:kms"
    assert told["SSEKMSKeyId"] == key
