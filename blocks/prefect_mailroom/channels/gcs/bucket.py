"""The bucket that a connection leads to, and as whom, without Google's client. Pure, but for what the operator set."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from prefect_mailroom.channels.objects import identity
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text.filenames import clean_line

GOOGLE = "https://storage.googleapis.com"
HOSTS_VARIABLE = "MAILROOM_GCS_IDENTITY_HOSTS"
"""The operator's: hosts besides Google's own that are given tokens and what a key signs, separated by blanks."""

_NO_KEY = SecretStr("")
_GOOGLES_OWN = ".googleapis.com"
_MOST_BYTES_OF_NAME = 1024


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket, and how it is reached.

    Attributes:
        prefix: what all names begin with; empty, or with a slash at its end.
        endpoint: the address of the store, without a slash at its end.
        identity: `machine`, `impersonate` or `key`.
        service_account: whom `impersonate` becomes; for `key`, whose key it is.
        key: the service account's key as JSON; empty where the machine's identity is used.
        seconds: the time of one attempt.
    """

    name: str
    prefix: str = ""
    endpoint: str = GOOGLE
    project: str = ""
    identity: str = "machine"
    service_account: str = ""
    key: SecretStr = _NO_KEY
    ca_certificates: str = ""
    write_once: bool = True
    kms_key: str = ""
    seconds: float = 600

    @property
    def where(self) -> str:
        """Return the bucket as people know it."""
        return clean_line(f"gs://{self.name}")

    @property
    def target(self) -> tuple[str, int]:
        """Return host and port."""
        parts = urlsplit(self.endpoint)
        return parts.hostname or "", parts.port or (80 if self.is_plain else 443)

    @property
    def is_plain(self) -> bool:
        """Tell whether requests travel without encryption."""
        return self.endpoint.startswith("http://")

    @property
    def uses_machine(self) -> bool:
        """Tell whether the identity of this machine stands behind it."""
        return self.identity == "machine" or not self.key.get_secret_value()

    def full_name(self, name: str) -> str:
        """Return the whole name of an object.

        Raises:
            ConfigurationError: the store takes none that long.
        """
        whole = f"{self.prefix}{name}"
        if len(whole.encode()) > _MOST_BYTES_OF_NAME:
            raise ConfigurationError(
                f"'{clean_line(whole)[:80]}…' is longer than {_MOST_BYTES_OF_NAME} bytes.",
                remedy="Shorten the path of the destination or the prefix of the connection.",
                field="path",
            )
        return whole

    def shown(self, name: str) -> str:
        """Return the address of an object as people know it."""
        return clean_line(f"gs://{self.name}/{self.prefix}{name}")

    def named_as(self) -> str:
        """Return as whom requests are sent, without a secret."""
        return sends_as(self.identity, self.service_account, by_key=bool(self.key.get_secret_value()))


def sends_as(identity_kind: str, service_account: str, *, by_key: bool) -> str:
    """Return as whom a connection with these settings sends, without a secret."""
    account = clean_line(service_account)
    if identity_kind == "machine":
        return "the identity of the machine"
    if identity_kind == "impersonate" and account:
        return f"{account}, impersonated by {'a key' if by_key else 'the machine'}"
    return account


def is_trusted(host: str) -> bool:
    """Tell whether a host may be given a token: it is Google's own, or the operator named it."""
    bare = host.lower().rstrip(".")
    named = os.environ.get(HOSTS_VARIABLE, "").replace(",", " ").lower().split()
    return bare.endswith(_GOOGLES_OWN) or bare in named


def permit(bucket: Bucket) -> None:
    """Let a connection pass, or refuse one that would show its identity to somebody else, or that of the machine.

    Raises:
        ConfigurationError: the operator did not allow it.
    """
    if bucket.uses_machine:
        identity.refuse_unless_allowed()
    host, _ = bucket.target
    if not is_trusted(host):
        raise ConfigurationError(
            f"'{clean_line(host)}' is not a host of Google's, so it is given no token.",
            remedy=f"Leave the endpoint empty; or the operator can allow this host with {HOSTS_VARIABLE}.",
            field="endpoint",
        )
