"""The fields of a connection, what they must be together, and what prefect-azure's block becomes."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from prefect_mailroom.channels.azure import blocks
from prefect_mailroom.channels.azure.channel import AzureChannel
from prefect_mailroom.channels.azure.destination import AzureDestination
from prefect_mailroom.channels.azure.prefect_block import fields_of
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.testing.outcomes import failure

SAS = "sv=2024-11-04&se=2026-01-01&sr=c&sp=rcwd&sig=c2ln"
APPLICATION = {"tenant_id": "t", "client_id": "c", "client_secret": "canary"}
GOOD: dict[str, Any] = {"account": "contoso", "container": "reports", **APPLICATION}


def test_defaults() -> None:
    channel = AzureChannel(**GOOD)
    assert (channel.identity, channel.timeout_seconds, channel.endpoint) == ("principal", 600, "")
    assert channel.sends_as(channel.model_dump()) == "the application c of the tenant t"


@pytest.mark.parametrize(
    ("settings", "at_fault"),
    [
        ({"account": "Contoso"}, "account"),
        ({"account": "a.evil.example/"}, "account"),
        ({"container": "a--b"}, "container"),
        ({"container": "../x"}, "container"),
        ({"prefix": "a/../../b"}, "prefix"),
        ({"client_secret": ""}, "client_secret"),
        ({"tenant_id": ""}, "client_id"),
        ({"tenant_id": "../x"}, "tenant_id"),
        ({"identity": "key"}, "account_key"),
        ({"identity": "sas"}, "sas_token"),
        ({"identity": "sas", "sas_token": SAS.replace("sr=c", "sr=b")}, "sas_token"),
        ({"endpoint": "http://store.example"}, "allow_plain"),
        ({"endpoint": f"https://store.example/reports?{SAS}"}, "endpoint"),
        ({"endpoint": "https://user:secret@store.example"}, "endpoint"),
        ({"endpoint": "ftp://store.example"}, "endpoint"),
        ({"ca_certificates": "none"}, "ca_certificates"),
        ({"encryption_scope": "a b"}, "encryption_scope"),
    ],
)
def test_what_is_refused(settings: dict[str, Any], at_fault: str) -> None:
    with pytest.raises((ValidationError, ConfigurationError)) as refused:
        AzureChannel(**{**GOOD, **settings})
    assert at_fault == getattr(refused.value, "field", "") or at_fault in str(refused.value)
    assert "c2ln" not in str(refused.value)


def test_only_a_token_says_when_it_ends() -> None:
    by_token = AzureChannel(account="contoso", container="reports", identity="sas", sas_token=SAS)
    assert by_token.credentials_end() == datetime(2026, 1, 1, tzinfo=UTC)
    assert AzureChannel(**GOOD).credentials_end() is None
    broken = by_token.model_copy(update={"sas_token": SecretStr("sig=c2ln")})
    assert broken.credentials_end() is None


async def test_a_token_that_is_over_is_refused_before_anything_is_asked() -> None:
    channel = AzureChannel(account="contoso", container="reports", identity="sas", sas_token=SAS)
    for attempt in (channel.screen(), channel.choices()):
        error = await failure(attempt)
        assert isinstance(error, ConfigurationError)
        assert error.field == "sas_token"


async def test_without_a_container() -> None:
    error = await failure(AzureChannel(**{**GOOD, "container": ""}).signed_link("a", filename="a", seconds=1))
    assert isinstance(error, ConfigurationError)
    assert error.field == "container"


def test_secrets_go_where_their_endpoint_is() -> None:
    assert not AzureChannel.harmless_fields & {
        "account", "endpoint", "identity", "tenant_id", "client_id", "allow_plain", "ca_certificates"
    }  # fmt: skip


def test_tiers_are_azures() -> None:
    assert AzureDestination(connection="a", storage_class="Archive").storage_class == "Archive"
    with pytest.raises(ValidationError):
        AzureDestination.model_validate({"connection": "a", "storage_class": "GLACIER"})


@pytest.mark.parametrize(
    ("total", "size"),
    [(1, blocks.SIZE), (50_000 * blocks.SIZE, blocks.SIZE), (50_000 * blocks.SIZE + 1, blocks.SIZE + 1)],
)
def test_blocks_are_few_enough(total: int, size: int) -> None:
    assert blocks.size_for(total) == size
    assert -(-total // size) <= 50_000


def block(**fields: Any) -> SimpleNamespace:
    empty = dict.fromkeys(("connection_string", "account_url", "tenant_id", "client_id", "client_secret"))
    return SimpleNamespace(**{**empty, **fields})


URL = "https://contoso.blob.core.windows.net/"


@pytest.mark.parametrize(
    ("fields", "becomes"),
    [
        ({"account_url": URL}, {"account": "contoso", "identity": "managed"}),
        (
            {"account_url": URL, "tenant_id": "t", "client_id": "c", "client_secret": SecretStr("s")},
            {
                "account": "contoso",
                "identity": "principal",
                "tenant_id": "t",
                "client_id": "c",
                "client_secret": SecretStr("s"),
            },
        ),
        (
            {"connection_string": SecretStr("DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=a2V5==")},
            {"account": "contoso", "identity": "key", "account_key": SecretStr("a2V5==")},
        ),
        (
            {
                "connection_string": SecretStr(
                    "AccountName=contoso;AccountKey=a2V5;EndpointSuffix=core.usgovcloudapi.net"
                )
            },
            {
                "account": "contoso",
                "endpoint": "https://contoso.blob.core.usgovcloudapi.net",
                "identity": "key",
                "account_key": SecretStr("a2V5"),
            },
        ),
        (
            {"connection_string": SecretStr(f"BlobEndpoint={URL};SharedAccessSignature={SAS}")},
            {"account": "contoso", "identity": "sas", "sas_token": SecretStr(SAS)},
        ),
    ],
)
def test_a_block_of_prefect_azure(fields: dict[str, Any], becomes: dict[str, Any]) -> None:
    assert fields_of(block(**fields)) == becomes


def test_a_connection_from_the_real_block() -> None:
    from prefect_azure.credentials import AzureBlobStorageCredentials

    found = AzureBlobStorageCredentials(account_url=URL, tenant_id="t", client_id="c", client_secret="canary")
    channel = AzureChannel.from_prefect_azure(found, container="reports", prefix="daily")
    assert (channel.account, channel.container, channel.prefix) == ("contoso", "reports", "daily")
    assert channel.client_secret.get_secret_value() == "canary"


def test_a_connection_string_without_a_secret() -> None:
    with pytest.raises(ConfigurationError):
        fields_of(block(connection_string=SecretStr("AccountName=contoso")))
