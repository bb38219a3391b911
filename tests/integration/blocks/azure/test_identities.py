"""Test as whom blobs are written: an application, the machine, a SAS token; and to where a token never goes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_mailroom.channels.azure.channel import AzureChannel
from prefect_mailroom.channels.azure.container import HOSTS_VARIABLE
from prefect_mailroom.channels.azure.destination import AzureDestination
from prefect_mailroom.channels.azure.wire import login
from prefect_mailroom.channels.base import Receipt
from prefect_mailroom.channels.objects import identity
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError, TargetForbidden
from prefect_mailroom.testing.outcomes import assert_without, everything_about, failure
from prefect_mailroom.tls import trusting
from tests.integration.blocks.azure.far_side import channel_to
from tests.support.azure.azurite import ACCOUNT, CONTAINER, Azurite
from tests.support.azure.logins import CLIENT, HEADER, SECRET, TENANT, Logins
from tests.support.azure.logins import logins as serving
from tests.support.listening import listening
from tests.support.remote.parcels import parcel_to


@pytest.fixture(scope="session")
def entra(encrypted_server: Azurite) -> Iterator[Logins]:
    """Run what gives the tokens, with the certificate of the server that takes them."""
    with serving(encrypted_server.folder) as found:
        yield found


@pytest.fixture
def logins(entra: Logins, monkeypatch: pytest.MonkeyPatch) -> Iterator[Logins]:
    """Return what gives the tokens, as the operator named it for the host of the emulator."""
    login.forget()
    entra.asked.clear()
    entra.tokens.clear()
    monkeypatch.setenv(HOSTS_VARIABLE, f"127.0.0.1=127.0.0.1:{entra.port}")
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{entra.machine_port}/machine")
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    yield entra
    login.forget()


def application(server: Azurite, **settings: Any) -> AzureChannel:
    given = {"identity": "principal", "tenant_id": TENANT, "client_id": CLIENT, "client_secret": SECRET, **settings}
    return channel_to(server, account_key="", **given)


def machine(server: Azurite, **settings: Any) -> AzureChannel:
    return channel_to(server, account_key="", identity="managed", **settings)


async def delivered(channel: AzureChannel, folder: Path, key: str) -> Receipt:
    destination = AzureDestination(connection="out", path=f"{key}.csv")
    return await channel.deliver(parcel_to(destination, folder, {"a.csv": b"figures"}, key=key))


async def test_an_application_writes_with_one_token(encrypted_server: Azurite, logins: Logins, tmp_path: Path) -> None:
    channel = application(encrypted_server)
    for key in ("one", "two"):
        await delivered(channel, tmp_path, key)
    assert {"one.csv", "two.csv"} <= set(encrypted_server.names())
    assert len(logins.asked) == 1
    assert logins.asked[0]["scope"] == "https://storage.azure.com/.default"
    steps = Steps()
    await channel.check(steps)
    assert [step.name for step in steps.done] == [
        StepName.RESOLVE,
        StepName.CONNECT,
        StepName.ENCRYPT,
        StepName.LOGIN,
        StepName.WRITE,
        StepName.READ_BACK,
        StepName.DELETE,
    ]
    assert CLIENT in steps.done[3].message


async def test_a_wrong_secret_names_its_field(encrypted_server: Azurite, logins: Logins, tmp_path: Path) -> None:
    channel = application(encrypted_server, client_secret="canary-of-another")
    error = await failure(delivered(channel, tmp_path, "wrong"))
    assert isinstance(error, ConfigurationError)
    assert error.field == "client_secret"
    assert "AADSTS7000215" in error.message
    assert_without(("canary-of-another",), everything_about(error))


async def test_an_application_logs_in_through_the_guard(
    encrypted_server: Azurite, logins: Logins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening() as far:
        monkeypatch.setenv(HOSTS_VARIABLE, f"127.0.0.1=127.0.0.2:{far.port}")
        error = await failure(delivered(application(encrypted_server), tmp_path, "guarded"))
        assert isinstance(error, TargetForbidden)
        assert far.connections == []


async def test_the_machine_writes_where_the_operator_allows_it(
    encrypted_server: Azurite, logins: Logins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = await failure(delivered(machine(encrypted_server), tmp_path, "machine"))
    assert isinstance(error, ConfigurationError)
    assert error.field == "identity"
    assert logins.asked == []
    monkeypatch.setenv(identity.VARIABLE, "true")
    await delivered(machine(encrypted_server), tmp_path, "machine")
    assert "machine.csv" in encrypted_server.names()
    assert logins.asked[0]["resource"] == "https://storage.azure.com"


@pytest.mark.parametrize("kind", ["managed", "principal"])
async def test_a_token_goes_to_azure_and_to_named_hosts_alone(
    encrypted_server: Azurite, logins: Logins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A user who may make connections cannot have a token sent to a host of the user's own."""
    monkeypatch.setenv(identity.VARIABLE, "true")
    monkeypatch.delenv(HOSTS_VARIABLE)
    channel = machine(encrypted_server) if kind == "managed" else application(encrypted_server)
    for attempt in (delivered(channel, tmp_path, "evil"), channel.screen(), channel.check(Steps())):
        error = await failure(attempt)
        assert isinstance(error, ConfigurationError)
        assert error.field == "identity"
    assert logins.asked == []
    assert "evil.csv" not in encrypted_server.names()


async def test_a_token_never_travels_without_encryption(
    server: Azurite, logins: Logins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(identity.VARIABLE, "true")
    error = await failure(delivered(machine(server), tmp_path, "plain"))
    assert isinstance(error, ConfigurationError)
    assert logins.asked == []


async def test_a_certificate_that_is_not_trusted(encrypted_server: Azurite, tmp_path: Path) -> None:
    channel = channel_to(encrypted_server, ca_certificates="")
    for attempt in (delivered(channel, tmp_path, "untrusted"), channel.check(Steps())):
        error = await failure(attempt)
        assert isinstance(error, ConfigurationError)
        assert error.field == "endpoint"


async def test_a_sas_token_is_enough_and_is_told_nowhere(
    server: Azurite, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = server.sas()
    signature = token.partition("sig=")[2].partition("&")[0]
    channel = channel_to(server, identity="sas", account_key="", sas_token=f"?{token}")
    with caplog.at_level(logging.DEBUG):
        receipt = await delivered(channel, tmp_path, "sas")
        steps = Steps()
        await channel.check(steps)
    assert server.names() == ["sas.csv"]
    (said,) = (step.message for step in steps.done if step.name == StepName.LOGIN)
    assert "The SAS token ends on" in said
    assert "urllib3" in caplog.text
    assert_without((signature,), f"{caplog.text} {receipt} {said}")


async def test_a_sas_token_that_is_refused_is_not_in_the_error(server: Azurite, tmp_path: Path) -> None:
    signature = "canary-signature-that-is-wrong"
    token = f"{server.sas().partition('sig=')[0]}sig={signature}"
    error = await failure(
        delivered(channel_to(server, identity="sas", account_key="", sas_token=token), tmp_path, "refused")
    )
    assert_without((signature,), everything_about(error))
    assert isinstance(error, ConfigurationError)
    # Azure says that the signature is wrong; Azurite says no more than no.
    assert error.field in ("sas_token", "identity")


async def test_a_sas_token_that_could_not_be_sent_is_not_in_the_error(
    encrypted_server: Azurite, tmp_path: Path
) -> None:
    """The client's own error has the whole address of the request."""
    token = encrypted_server.sas()
    untrusting = channel_to(encrypted_server, identity="sas", account_key="", sas_token=token, ca_certificates="")
    error = await failure(delivered(untrusting, tmp_path, "unsent"))
    assert isinstance(error, ConfigurationError)
    assert_without((token.partition("sig=")[2],), everything_about(error))


async def test_links_of_a_key_and_of_an_application(
    server: Azurite, encrypted_server: Azurite, logins: Logins, tmp_path: Path
) -> None:
    by_key, by_application = channel_to(server), application(encrypted_server)
    for channel in (by_key, by_application):
        await delivered(channel, tmp_path, "linked")
        link = await channel.signed_link("linked.csv", filename="März.csv", seconds=30 * 86_400)
        if channel is by_application:
            assert "skoid" in link.url  # A key that was delegated to the application has signed it.
        async with httpx.AsyncClient(verify=trusting(encrypted_server.pem), trust_env=False) as client:
            answer = await client.get(link.url)
        assert (answer.status_code, answer.content) == (200, b"figures")
        assert "M%C3%A4rz.csv" in answer.headers["content-disposition"]


async def test_a_sas_token_signs_nothing_and_lists_nothing(server: Azurite) -> None:
    channel = channel_to(server, identity="sas", account_key="", sas_token=server.sas())
    for attempt in (channel.signed_link("a.csv", filename="a.csv", seconds=60), channel.choices()):
        error = await failure(attempt)
        assert isinstance(error, ConfigurationError)
        assert error.field == "identity"


async def test_containers_can_be_chosen(server: Azurite) -> None:
    found = await channel_to(server, container="").choices()
    assert found == {"container": [CONTAINER]}
    assert AzureChannel.sends_as(server.settings) == f"the key of the account {ACCOUNT}"
