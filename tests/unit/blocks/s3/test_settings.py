"""The settings of a connection to S3, and what follows from them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from prefect_mailroom.channels.objects import identity
from prefect_mailroom.channels.s3.bucket import HOSTS_VARIABLE, Bucket, permit
from prefect_mailroom.channels.s3.channel import S3Channel
from prefect_mailroom.channels.s3.destination import S3Destination
from prefect_mailroom.errors import ConfigurationError

KEYS: dict[str, Any] = {
    "bucket": "reports",
    "identity": "keys",
    "access_key_id": "CANARYID",
    "secret_access_key": "canary-secret",
}
ROLE = "arn:aws:iam::123456789012:role/reports"


def test_settings_of_each_identity() -> None:
    for settings in (
        KEYS,
        {**KEYS, "identity": "role", "role_arn": ROLE, "external_id": "from-the-bank"},
        {"bucket": "reports", "identity": "role", "role_arn": ROLE},
        {"bucket": "reports", "identity": "machine", "encryption": "kms", "kms_key": "alias/reports"},
        {**KEYS, "endpoint": "https://s3.example.com:9000/", "prefix": "/reports/daily/"},
        {**KEYS, "endpoint": "http://[::1]:9000", "allow_plain": True},
    ):
        channel = S3Channel(**settings)
        assert "canary-secret" not in repr(channel)
    assert S3Channel(**KEYS, prefix="/reports/daily/").prefix == "reports/daily"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"secret_access_key": ""}, "secret_access_key"),
        ({"access_key_id": "", "secret_access_key": ""}, "access_key_id"),
        ({"identity": "role"}, "role_arn"),
        ({"role_arn": "reports"}, "role_arn"),
        ({"bucket": "reports/other"}, "bucket"),
        ({"bucket": "evil.example.com#"}, "bucket"),
        ({"region": "eu-central-1.evil.example.com"}, "region"),
        ({"endpoint": "s3.example.com"}, "endpoint"),
        ({"endpoint": "https://user@s3.example.com"}, "endpoint"),
        ({"endpoint": "https://s3.example.com/bucket"}, "endpoint"),
        ({"endpoint": "https://s3.example.com?x"}, "endpoint"),
        ({"endpoint": "http://s3.example.com"}, "allow_plain"),
        ({"kms_key": "alias/reports"}, "kms_key"),
        ({"ca_certificates": "no certificate"}, "certificates"),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, Any], field: str) -> None:
    with pytest.raises((ValidationError, ConfigurationError)) as refused:
        S3Channel(**{**KEYS, **changes})
    assert field in str(refused.value)
    assert "canary-secret" not in str(refused.value)


@pytest.mark.parametrize("prefix", ["..", "a/../b", "a//b", "a\\b", "%2e%2e/b", "a\nb"])
def test_nothing_is_written_above_the_prefix(prefix: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        S3Channel(**KEYS, prefix=prefix)
    assert refused.value.field == "prefix"
    with pytest.raises(ConfigurationError):
        S3Destination(connection="test", path=prefix)


def test_keys_and_addresses() -> None:
    bucket = Bucket("reports", prefix="daily/", region="cn-north-1")
    assert bucket.key("a.csv") == "daily/a.csv"
    assert bucket.shown("a.csv\n") == "s3://reports/daily/a.csv "
    assert bucket.target == ("s3.cn-north-1.amazonaws.com.cn", 443)
    assert Bucket("reports").target == ("s3.us-east-1.amazonaws.com", 443)
    assert Bucket("reports", endpoint="http://[::1]:9000").target == ("::1", 9000)
    assert Bucket("reports", endpoint="https://s3.example.com").target == ("s3.example.com", 443)
    with pytest.raises(ConfigurationError) as refused:
        bucket.key("ü" * 600)
    assert refused.value.field == "path"


def test_sends_as() -> None:
    told = {**KEYS, "identity": "role", "role_arn": ROLE}
    assert S3Channel.sends_as(KEYS) == "the key CANARYID"
    assert S3Channel.sends_as(told) == f"{ROLE}, assumed by the key CANARYID"
    assert S3Channel.sends_as({**told, "access_key_id": ""}) == f"{ROLE}, assumed by the machine"
    assert S3Channel.sends_as({"identity": "machine"}) == "the identity of the machine"
    assert S3Channel.sends_as({}) == ""


@pytest.mark.parametrize("given", [{"identity": "machine"}, {"identity": "role", "role_arn": ROLE}])
def test_the_machine_is_the_operators(given: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    at_aws, elsewhere = Bucket("reports", **given), Bucket("reports", endpoint="https://s3.example.com", **given)
    for bucket in (at_aws, elsewhere):
        with pytest.raises(ConfigurationError):
            permit(bucket)
    monkeypatch.setenv(identity.VARIABLE, "true")
    permit(at_aws)
    with pytest.raises(ConfigurationError):
        permit(elsewhere)
    monkeypatch.setenv(HOSTS_VARIABLE, "other.example.com, s3.example.com")
    permit(elsewhere)
    monkeypatch.delenv(identity.VARIABLE)
    permit(Bucket("reports", endpoint="https://s3.example.com", access_key_id="A", **{**given, "identity": "role"}))


def test_what_a_change_may_keep_the_secret_for() -> None:
    decides = {"endpoint", "region", "identity", "role_arn", "external_id", "allow_plain", "ca_certificates"}
    assert not decides & S3Channel.harmless_fields
