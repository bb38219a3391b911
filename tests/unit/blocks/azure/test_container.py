"""Which host gets a bearer token, and how a container is named."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from prefect_mailroom.channels.azure import container as containers
from prefect_mailroom.channels.azure.container import HOSTS_VARIABLE, Container, Identity
from prefect_mailroom.channels.objects import identity
from prefect_mailroom.errors import ConfigurationError


def at(endpoint: str, kind: Identity = "principal") -> Container:
    return Container("contoso", "reports", endpoint=endpoint, identity=kind, client_secret=SecretStr("canary"))


@pytest.mark.parametrize(
    ("endpoint", "login"),
    [
        ("", "login.microsoftonline.com"),
        ("https://contoso.blob.core.windows.net", "login.microsoftonline.com"),
        ("https://CONTOSO.BLOB.CORE.WINDOWS.NET", "login.microsoftonline.com"),
        ("https://contoso.z12.blob.storage.azure.net", "login.microsoftonline.com"),
        ("https://contoso.privatelink.blob.core.windows.net", "login.microsoftonline.com"),
        ("https://contoso.blob.core.usgovcloudapi.net", "login.microsoftonline.us"),
        ("https://contoso.blob.core.chinacloudapi.cn", "login.chinacloudapi.cn"),
    ],
)
def test_azures_own_hosts_get_tokens_of_their_cloud(endpoint: str, login: str) -> None:
    assert containers.login_host(at(endpoint)) == login


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.example",
        "https://blob.core.windows.net.evil.example",
        "https://contosoblob.core.windows.net.evil.example",
        "https://evilblob.core.windows.net",
        "https://contoso.file.core.windows.net",
        "https://127.0.0.1:10000/contoso",
        "https://169.254.169.254",
        "http://contoso.blob.core.windows.net",
    ],
)
@pytest.mark.parametrize("kind", ["managed", "principal"])
def test_no_other_host_gets_one(endpoint: str, kind: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(identity.VARIABLE, "true")
    monkeypatch.delenv(HOSTS_VARIABLE, raising=False)
    with pytest.raises(ConfigurationError) as refused:
        containers.permit(at(endpoint, kind))
    assert refused.value.field == "identity"


def test_the_operator_names_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS_VARIABLE, "contoso.stack.example=login.stack.example:8443, other.example")
    assert containers.login_host(at("https://contoso.stack.example")) == "login.stack.example:8443"
    assert containers.login_host(at("https://other.example/contoso")) == "login.microsoftonline.com"


@pytest.mark.parametrize(("allowed", "passes"), [("true", True), ("", False), ("yes", False)])
def test_the_machine_is_the_operators(allowed: str, passes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(identity.VARIABLE, allowed)
    if passes:
        containers.permit(at("", "managed"))
    else:
        with pytest.raises(ConfigurationError):
            containers.permit(at("", "managed"))


def test_keys_and_sas_tokens_need_no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(identity.VARIABLE, raising=False)
    for kind in ("sas", "key"):
        containers.permit(at("https://store.example", kind))


def test_how_it_is_named() -> None:
    found = Container("contoso", "reports", prefix="daily/")
    assert found.target == ("contoso.blob.core.windows.net", 443)
    assert found.key("a.csv") == "daily/a.csv"
    assert found.shown("a\nb.csv") == "https://contoso.blob.core.windows.net/reports/daily/a b.csv"
    assert at("http://127.0.0.1:10000/contoso/").where == "http://127.0.0.1:10000/contoso/reports"
    assert at("http://127.0.0.1:10000/contoso").target == ("127.0.0.1", 10_000)


@pytest.mark.parametrize("name", ["x" * 1025, "a/" * 254 + "b"])
def test_names_that_azure_does_not_take(name: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Container("contoso", "reports").key(name)
    assert refused.value.field == "path"


def test_no_secret_is_in_its_text() -> None:
    assert "canary" not in f"{at('')!r} {at('').named_as()}"
