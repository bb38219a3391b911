"""Read the key of a service account, and refuse whatever could take what it signs to somebody else. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from prefect_mailroom.channels.gcs.bucket import is_trusted

_GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
_OLD_HOSTS = {"accounts.google.com", "www.googleapis.com"}
"""The hosts of Google's older addresses for tokens, which stand in old keys."""
_UNIVERSE = "googleapis.com"


@dataclass(frozen=True, slots=True)
class Key:
    """Hold what is used of a key.

    Attributes:
        info: as google-auth takes it. It holds the private key.
    """

    service_account: str
    project: str
    info: dict[str, str]


def parse(text: str) -> Key:
    """Return what is used of the JSON of a service account's key. Nothing of the key is in what is raised.

    Raises:
        ValueError: it is none, or it would be used elsewhere than at Google.
    """
    try:
        told = json.loads(text)
    except ValueError:
        raise ValueError("it is not JSON: paste the whole file that Google gave you") from None
    if not isinstance(told, dict):
        raise ValueError("it is not the JSON of a key: paste the whole file that Google gave you")
    kind = told.get("type")
    if kind == "external_account":
        raise ValueError(
            "it is a configuration of workload identity federation, whose addresses anybody can write; the operator "
            "can give it to the machine with GOOGLE_APPLICATION_CREDENTIALS, for identity machine or impersonate"
        )
    if kind != "service_account":
        raise ValueError("it is not the key of a service account: its type must be service_account")
    if any(not isinstance(told.get(name), str) or not told[name] for name in ("client_email", "private_key")):
        raise ValueError("client_email or private_key is missing: paste the whole file that Google gave you")
    if told.get("universe_domain", _UNIVERSE) != _UNIVERSE:
        raise ValueError("universe_domain must be googleapis.com")
    address = str(told.get("token_uri") or _GOOGLE_TOKENS)
    if not _is_googles(address):
        raise ValueError(f"token_uri must be an address of Google's, such as {_GOOGLE_TOKENS}")
    return Key(
        service_account=told["client_email"],
        project=str(told.get("project_id") or ""),
        info={
            "type": "service_account",
            "client_email": told["client_email"],
            "private_key": told["private_key"],
            "private_key_id": str(told.get("private_key_id") or ""),
            "token_uri": address,
        },
    )


def _is_googles(address: str) -> bool:
    """Tell whether what a key signs may be sent to an address; plain HTTP is for hosts that the operator named."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if parts.username is not None or "\\" in address or not address.isprintable() or " " in address:
        return False
    is_google = host.endswith(f".{_UNIVERSE}") or host in _OLD_HOSTS
    if is_google:
        return parts.scheme == "https" and parts.port in (None, 443)
    return parts.scheme in ("https", "http") and is_trusted(host)
