"""The settings of a connection and a destination of Google Cloud Storage, and what follows from them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from prefect_mailroom.channels.gcs.bucket import HOSTS_VARIABLE, Bucket, is_trusted, permit, sends_as
from prefect_mailroom.channels.gcs.channel import GcsChannel
from prefect_mailroom.channels.gcs.destination import GcsDestination
from prefect_mailroom.channels.objects.identity import VARIABLE
from prefect_mailroom.errors import ConfigurationError
from tests.support.gcs.identities import PRIVATE_KEY
from tests.unit.blocks.gcs.test_key import GOOD, key_with

ACCOUNT = GOOD["client_email"]
KEY = key_with(private_key=PRIVATE_KEY)


@pytest.mark.parametrize(
    ("settings", "at"),
    [
        ({"identity": "key"}, "service_account_key"),
        ({"identity": "impersonate"}, "service_account"),
        ({"identity": "machine", "service_account_key": KEY}, "service_account_key"),
        ({"identity": "key", "service_account_key": "canary"}, "service_account_key"),
        ({"endpoint": "http://storage.example.com"}, "allow_plain"),
        ({"endpoint": "https://storage.example.com/path"}, "endpoint"),
        ({"endpoint": "https://user@storage.example.com"}, "endpoint"),
        ({"endpoint": "ftp://storage.example.com"}, "endpoint"),
        ({"bucket": "../other"}, "bucket"),
        ({"bucket": "a/b"}, "bucket"),
        ({"prefix": "../other"}, "prefix"),
        ({"prefix": "a/../../b"}, "prefix"),
        ({"kms_key": "my-key"}, "kms_key"),
        ({"service_account": "no address"}, "service_account"),
        ({"project": "a b"}, "project"),
        ({"ca_certificates": "none"}, "ca_certificates"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], at: str) -> None:
    with pytest.raises((ValidationError, ConfigurationError)) as caught:
        GcsChannel(**settings)
    assert at in f"{caught.value} {getattr(caught.value, 'field', '')}"
    assert "canary" not in str(caught.value)


def test_a_key_tells_account_and_project() -> None:
    channel = GcsChannel(identity="key", service_account_key=KEY, service_account="stale@example.com")
    assert (channel.service_account, channel.project) == (ACCOUNT, "sales")
    assert GcsChannel(identity="key", service_account_key=KEY, project="other").project == "other"


def test_a_prefect_block_of_credentials_is_taken_over() -> None:
    # Its package takes seconds to load, which every process of the suite would spend.
    from prefect_gcp.credentials import GcpCredentials

    info = {**GOOD, "private_key": PRIVATE_KEY}
    block = GcpCredentials.model_construct(service_account_info=None, service_account_file=None, project="p")
    assert GcsChannel.from_credentials(block, bucket="reports").identity == "machine"
    block = GcpCredentials(service_account_info=info)
    channel = GcsChannel.from_credentials(block, bucket="reports", prefix="/eu/")
    assert (channel.identity, channel.service_account, channel.project) == ("key", ACCOUNT, "sales")
    assert channel.prefix == "eu"
    bad = GcpCredentials(service_account_info={**info, "token_uri": "https://evil.example/token"})
    with pytest.raises(ValidationError):
        GcsChannel.from_credentials(bad)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (("machine", ""), "the identity of the machine"),
        (("impersonate", ACCOUNT), f"{ACCOUNT}, impersonated by the machine"),
        (("key", ACCOUNT), ACCOUNT),
        (("key", ""), ""),
    ],
)
def test_whom_it_sends_as_is_told(settings: tuple[str, str], told: str) -> None:
    assert sends_as(*settings, by_key=False) == told


@pytest.mark.parametrize("host", ["storage.googleapis.com", "storage-x.p.googleapis.com", "STORAGE.googleapis.com."])
def test_hosts_of_googles_are_trusted(host: str) -> None:
    assert is_trusted(host)


@pytest.mark.parametrize("host", ["", "googleapis.com.evil.example", "evilgoogleapis.com", "127.0.0.1", "google.com"])
def test_security_other_hosts_get_no_token(host: str) -> None:
    assert not is_trusted(host)


def test_the_operator_can_name_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket("b", endpoint="https://Storage.example.com:8443", identity="key", key=SecretStr(KEY))
    with pytest.raises(ConfigurationError) as caught:
        permit(bucket)
    assert caught.value.field == "endpoint"
    monkeypatch.setenv(HOSTS_VARIABLE, "other.example.com,storage.example.com")
    permit(bucket)


def test_the_machine_is_its_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    for bucket in (Bucket("b"), Bucket("b", identity="impersonate", service_account=ACCOUNT)):
        monkeypatch.setenv(VARIABLE, "")
        with pytest.raises(ConfigurationError) as caught:
            permit(bucket)
        assert caught.value.field == "identity"
        monkeypatch.setenv(VARIABLE, "true")
        permit(bucket)
    monkeypatch.setenv(VARIABLE, "")
    permit(Bucket("b", identity="impersonate", service_account=ACCOUNT, key=SecretStr(KEY)))


def test_names_are_below_the_prefix_and_not_too_long() -> None:
    bucket = Bucket("b", prefix="eu/")
    assert bucket.full_name("a/b.csv") == "eu/a/b.csv"
    assert "\n" not in bucket.shown("a\nb")
    assert bucket.full_name("x" * 1021)
    with pytest.raises(ConfigurationError) as caught:
        bucket.full_name("ü" * 511)
    assert caught.value.field == "path"


def test_tags_are_refused_in_words() -> None:
    with pytest.raises(ValidationError, match="metadata"):
        GcsDestination(connection="c", tags={"team": "finance"})
    assert GcsDestination(connection="c", storage_class="ARCHIVE", metadata={"team": "finance"})
    with pytest.raises(ValidationError):
        GcsDestination.model_validate({"connection": "c", "storage_class": "GLACIER"})
