"""Take over the credentials of a block of prefect-azure, without importing that package.

Importing its module takes more than 50 MB, since it brings the clients for containers and resources; and its own
clients connect where our guard does not see it. So only the values of its fields are used. Pure.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from prefect_mailroom.errors import ConfigurationError


def fields_of(credentials: Any) -> dict[str, Any]:
    """Return the fields of a connection for an `AzureBlobStorageCredentials`.

    Raises:
        ConfigurationError: it cannot be used.
    """
    if credentials.connection_string is not None:
        return _of_connection_string(_plain(credentials.connection_string))
    fields: dict[str, Any] = _of_url(credentials.account_url or "")
    if credentials.client_secret is None:
        return {**fields, "identity": "managed"}
    return {
        **fields,
        "identity": "principal",
        "tenant_id": _plain(credentials.tenant_id),
        "client_id": _plain(credentials.client_id),
        "client_secret": SecretStr(_plain(credentials.client_secret)),
    }


def _of_connection_string(text: str) -> dict[str, Any]:
    parts = {name.lower(): value for name, _, value in (part.strip().partition("=") for part in text.split(";"))}
    account = parts.get("accountname", "")
    if parts.get("blobendpoint"):
        fields = _of_url(parts["blobendpoint"])
    else:
        suffix = parts.get("endpointsuffix") or "core.windows.net"
        fields = _of_url(f"{parts.get('defaultendpointsprotocol') or 'https'}://{account}.blob.{suffix}")
    if account:
        fields["account"] = account
    if parts.get("sharedaccesssignature"):
        return {**fields, "identity": "sas", "sas_token": SecretStr(parts["sharedaccesssignature"])}
    if parts.get("accountkey"):
        return {**fields, "identity": "key", "account_key": SecretStr(parts["accountkey"])}
    raise ConfigurationError(
        "The connection string has neither an account key nor a SAS token.",
        remedy="Copy the whole string, or use an application.",
        field="connection_string",
    )


def _of_url(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    account = host.partition(".")[0]
    is_usual = host == f"{account}.blob.core.windows.net" and parts.scheme == "https" and parts.path in ("", "/")
    return {"account": account} if is_usual else {"account": account, "endpoint": url.rstrip("/")}


def _plain(value: Any) -> str:
    return str(value.get_secret_value() if isinstance(value, SecretStr) else value or "")
