"""What the answers of S3 mean, and what an object's facts are called there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError, SSLError
from urllib3.connection import HTTPConnection

from prefect_mailroom.channels.objects.guarded import Refusal, refusal
from prefect_mailroom.channels.objects.store import AlreadyThere, Facts, Lost
from prefect_mailroom.channels.s3 import headers, multipart
from prefect_mailroom.channels.s3.bucket import Bucket
from prefect_mailroom.channels.s3.questions import MOST_SECONDS, ends
from prefect_mailroom.channels.s3.wire.faults import translated
from prefect_mailroom.errors import ConfigurationError, Refused, RetryLater, TargetForbidden

MD5 = "1b2cf535f27731c974343645a3985328"
BUCKET = Bucket("reports", endpoint="https://s3.example.com", access_key_id="CANARYID", kms_key="alias/k")


def answered(code: str, status: int, operation: str = "PutObject", **headers_: str) -> ClientError:
    told: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers_}}
    return ClientError(told, operation)


@pytest.mark.parametrize(
    ("code", "status", "becomes", "field"),
    [
        ("PreconditionFailed", 412, AlreadyThere, None),
        ("ConditionalRequestConflict", 409, AlreadyThere, None),
        ("NoSuchBucket", 404, ConfigurationError, "bucket"),
        ("NoSuchKey", 404, ConfigurationError, "bucket"),
        ("InvalidAccessKeyId", 403, ConfigurationError, "secret_access_key"),
        ("SignatureDoesNotMatch", 403, ConfigurationError, "secret_access_key"),
        ("RequestTimeTooSkewed", 403, ConfigurationError, "secret_access_key"),
        ("ExpiredToken", 400, ConfigurationError, "secret_access_key"),
        ("AccessDenied", 403, ConfigurationError, "identity"),
        ("403", 403, ConfigurationError, "identity"),
        ("KMS.DisabledException", 400, ConfigurationError, "kms_key"),
        ("QuotaExceeded", 403, RetryLater, None),
        ("XMinioStorageFull", 507, RetryLater, None),
        ("SlowDown", 503, RetryLater, None),
        ("InternalError", 500, RetryLater, None),
        ("", 502, RetryLater, None),
        ("PermanentRedirect", 301, ConfigurationError, "region"),
        ("AuthorizationHeaderMalformed", 400, ConfigurationError, "region"),
        ("BadDigest", 400, RetryLater, None),
        ("NotImplemented", 501, ConfigurationError, "write_once"),
        ("EntityTooLarge", 400, Refused, None),
        ("Some<new>thing\n", 400, Refused, None),
    ],
)
def test_an_answer_means(code: str, status: int, becomes: type[Exception], field: str | None) -> None:
    with pytest.raises(becomes) as failed, translated(BUCKET, "put_object", "s3://reports/a.csv"):
        raise answered(code, status)
    assert type(failed.value) is becomes
    if field is not None:
        assert getattr(failed.value, "field", None) == field
    assert "\n" not in str(failed.value)


def test_nothing_is_there() -> None:
    with pytest.raises(FileNotFoundError), translated(BUCKET, "get_object", "s3://reports/a.csv"):
        raise answered("NoSuchKey", 404)


@pytest.mark.parametrize(
    ("operation", "becomes"),
    [
        ("complete_multipart_upload", Lost),
        ("upload_part", RetryLater),
        ("list_multipart_uploads", FileNotFoundError),
    ],
)
def test_an_upload_that_is_over(operation: str, becomes: type[Exception]) -> None:
    with pytest.raises(becomes), translated(BUCKET, operation, "s3://reports/a.csv"):
        raise answered("NoSuchUpload", 404)


def test_a_busy_store_says_when() -> None:
    for header, not_before in (("7", 7.0), ("soon", None)):
        with pytest.raises(RetryLater) as failed, translated(BUCKET, "put_object", "x"):
            raise answered("SlowDown", 503, **{"retry-after": header})
        assert failed.value.not_before == not_before


@pytest.mark.parametrize(
    ("code", "status", "becomes", "field"),
    [
        ("AccessDenied", 403, ConfigurationError, "role_arn"),
        ("InvalidClientTokenId", 403, ConfigurationError, "secret_access_key"),
        ("Throttling", 400, RetryLater, None),
    ],
)
def test_an_answer_about_a_role(code: str, status: int, becomes: type[Exception], field: str | None) -> None:
    with pytest.raises(becomes) as failed, translated(BUCKET, "put_object", "x"):
        raise answered(code, status, "AssumeRole")
    assert getattr(failed.value, "field", None) == field


def test_an_error_of_the_connection_means() -> None:
    url = "https://s3.example.com"
    for error, becomes in (
        (ReadTimeoutError(endpoint_url=url), Lost),
        (SSLError(endpoint_url=url, error="certificate"), ConfigurationError),
        (NoCredentialsError(), ConfigurationError),
    ):
        with pytest.raises(becomes), translated(BUCKET, "put_object", "x"):
            raise error


def test_our_own_error_is_found_again() -> None:
    ours = TargetForbidden("No.", field="host")
    inner = Refusal(HTTPConnection("s3.example.com"), ours)
    assert refusal(EndpointConnectionError(endpoint_url="https://s3.example.com", error=inner)) is ours
    assert refusal(OSError("else")) is None
    with pytest.raises(TargetForbidden), translated(BUCKET, "put_object", "x"):
        raise EndpointConnectionError(endpoint_url="https://s3.example.com", error=inner)


def test_facts_travel_and_come_back() -> None:
    facts = Facts(
        "text/csv",
        'attachment; filename="a.csv"',
        {"mailroom_key": "k:1", "team": "x"},
        {"keep": "a&b"},
        "GLACIER_IR",
    )
    told = headers.told(facts)
    # No underscore travels: proxies drop such headers.
    assert told["Metadata"] == {"mailroom-key": "k:1", "team": "x"}
    assert told["Tagging"] == "keep=a%26b"
    assert told["StorageClass"] == "GLACIER_IR"
    answer = {"ContentLength": 3, "ETag": f'"{MD5}"', "VersionId": "null", "Metadata": {"Mailroom-Key": "k:1"}}
    found = headers.found({**answer, "ChecksumSHA256": "whole=", "ChecksumCRC32": "parts=-3"})
    assert found.metadata == {"mailroom_key": "k:1"}
    assert found.checksums == {"sha256": "whole=", "md5": MD5}
    assert (found.etag, found.version) == (MD5, "")
    assert headers.found({**answer, "ETag": f'"{MD5}-3"'}).checksums == {headers.PARTS_MD5: f"{MD5}-3"}
    assert headers.found({**answer, "ETag": '"of another kind"'}).checksums == {}
    assert headers.encryption(Bucket("b", encryption="kms")) == {"ServerSideEncryption": "aws:kms"}


def test_a_link_ends_with_what_signed_it() -> None:
    now = datetime(2026, 2, 9, 9, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert ends(now, 60, None) == now + timedelta(minutes=1)
    assert ends(now, 10**9, None) == now + timedelta(seconds=MOST_SECONDS)
    assert ends(now, 10**9, now + hour) == now + hour
    assert ends(now, 60, now + hour) == now + timedelta(minutes=1)


def test_parts_are_few_enough() -> None:
    for size in (multipart.FROM, 83 * 10**9, 5 * 2**40):
        part = multipart.part_size(size)
        assert -(-size // part) <= 10_000
        assert 5 * 2**20 <= part <= 5 * 2**30
