"""The container that a connection leads to, and as whom, without the vendor's client. Pure but for the operator's word.

A bearer token is worth more than one container, so it is only ever sent to hosts of Azure itself, or to those that the
operator named.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from prefect_mailroom.channels.objects import faults, identity
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text.filenames import clean_line

Identity = Literal["managed", "principal", "sas", "key"]

HOSTS_VARIABLE = "MAILROOM_AZURE_IDENTITY_HOSTS"
"""The operator's: hosts beside Azure's own that may get bearer tokens, separated by blanks, such as those of an Azure
Stack Hub. `host=login` names the host, with its port, that gives the tokens out; else it is that of public Azure."""

_PUBLIC_LOGIN = "login.microsoftonline.com"
_LOGINS = {
    "blob.core.windows.net": _PUBLIC_LOGIN,
    "blob.storage.azure.net": _PUBLIC_LOGIN,
    "blob.core.usgovcloudapi.net": "login.microsoftonline.us",
    "blob.core.chinacloudapi.cn": "login.chinacloudapi.cn",
}
"""Azure's own hosts end so; beside each is where its tokens come from."""
_NONE = SecretStr("")
_MOST_CHARACTERS = 1024
_MOST_SEGMENTS = 254


@dataclass(frozen=True, slots=True)
class Container:
    """One container, and how it is reached.

    Attributes:
        prefix: what all names begin with; empty, or with a slash at its end.
        endpoint: the address of the account, where it is not the usual one of public Azure.
        client_id: of the application, or of a managed identity that is not the machine's only one.
        encryption_scope: what the blobs are encrypted with, if not with the container's own.
        seconds: the time of one attempt.
    """

    account: str
    name: str
    prefix: str = ""
    endpoint: str = ""
    identity: Identity = "principal"
    tenant_id: str = ""
    client_id: str = ""
    client_secret: SecretStr = _NONE
    sas_token: SecretStr = _NONE
    account_key: SecretStr = _NONE
    encryption_scope: str = ""
    ca_certificates: str = ""
    seconds: float = 600

    @property
    def url(self) -> str:
        """Return the address of the account."""
        return self.endpoint.rstrip("/") or f"https://{self.account}.blob.core.windows.net"

    @property
    def where(self) -> str:
        """Return the container as people know it."""
        return clean_line(f"{self.url}/{self.name}")

    @property
    def target(self) -> tuple[str, int]:
        """Return host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)

    @property
    def is_plain(self) -> bool:
        """Tell whether requests travel without encryption."""
        return self.url.startswith("http://")

    @property
    def uses_token(self) -> bool:
        """Tell whether requests carry a bearer token."""
        return self.identity in ("managed", "principal")

    def key(self, name: str) -> str:
        """Return the whole name of a blob.

        Raises:
            ConfigurationError: Azure takes none like it.
        """
        key = f"{self.prefix}{name}"
        if len(key) > _MOST_CHARACTERS or key.count("/") >= _MOST_SEGMENTS:
            raise ConfigurationError(
                f"'{clean_line(key)[:80]}…' is longer than {_MOST_CHARACTERS} characters or {_MOST_SEGMENTS} folders.",
                remedy="Shorten the path of the destination or the prefix of the connection.",
                field="path",
            )
        return key

    def shown(self, name: str) -> str:
        """Return the address of a blob as people know it."""
        return clean_line(f"{self.where}/{self.prefix}{name}")

    def named_as(self) -> str:
        """Return as whom requests are sent, without a secret."""
        return sends_as(self.identity, account=self.account, tenant=self.tenant_id, client=self.client_id)


def sends_as(kind: str, *, account: str, tenant: str, client: str) -> str:
    """Return as whom a connection with these settings sends, without a secret."""
    if kind == "managed":
        return f"the managed identity {client}" if client else "the managed identity of the machine"
    if kind == "principal":
        return f"the application {client} of the tenant {tenant}"
    return f"a SAS token for the account {account}" if kind == "sas" else f"the key of the account {account}"


def permit(container: Container) -> None:
    """Let a connection pass, or refuse one whose identity may not be used, or not for this host.

    Raises:
        ConfigurationError: the operator did not allow it, or the token would leave Azure.
    """
    if container.identity == "managed":
        identity.refuse_unless_allowed()
    if container.uses_token:
        login_host(container)


def login_host(container: Container) -> str:
    """Return the host, with its port where it has one, that gives out the tokens for this account.

    Raises:
        ConfigurationError: its host may get none.
    """
    host = container.target[0].lower().rstrip(".")
    found = _operators().get(host) or next((login for end, login in _LOGINS.items() if host.endswith(f".{end}")), "")
    if not found:
        raise faults.no_identity(
            f"No token is sent to '{clean_line(host)}': it is no host of Azure's own.",
            f"Use the account's own address, or a SAS token. The operator can allow the host with {HOSTS_VARIABLE}.",
        )
    if container.is_plain:
        raise faults.no_identity(
            f"No token is sent to '{clean_line(host)}' without encryption.", "Begin the endpoint with https://."
        )
    return found


def _operators() -> dict[str, str]:
    entries = os.environ.get(HOSTS_VARIABLE, "").replace(",", " ").split()
    return {host.lower(): login or _PUBLIC_LOGIN for host, _, login in (entry.partition("=") for entry in entries)}
