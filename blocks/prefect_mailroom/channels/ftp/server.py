"""The description of an FTP server, made from its connection."""

from __future__ import annotations

import functools
import hashlib
import ssl
from dataclasses import dataclass
from enum import StrEnum

from pydantic import SecretStr

from prefect_mailroom.tls import also_trust


class Security(StrEnum):
    """The ways to encrypt the connection to a server."""

    EXPLICIT = "explicit"
    """The connection begins in the clear, and is encrypted by AUTH TLS before the login (RFC 4217)."""
    IMPLICIT = "implicit"
    """The connection is encrypted from its first byte, usually on port 990."""
    NONE = "none"
    """Nothing is encrypted; the operator has to allow it."""

    @property
    def port(self) -> int:
        """Return the port that servers usually have for it."""
        return 990 if self is Security.IMPLICIT else 21


@dataclass(frozen=True, slots=True)
class Server:
    """One FTP server and its login.

    Attributes:
        host: its name in the form that name servers and certificates know.
        ca_certificates: PEM certificates to trust beside the system's.
        seconds: how long each step may take until the session is open.
        patience: how long one answer may take from then on; a server may look through a large file before it confirms.
    """

    host: str
    port: int
    security: Security
    username: str
    password: SecretStr
    ca_certificates: str
    seconds: float
    patience: float

    @property
    def name(self) -> str:
        """Return the server as people call it: `host:port`."""
        return f"{self.host}:{self.port}"

    def digest(self) -> str:
        """Return a digest of everything that a session depends on; two servers share sessions if it is equal."""
        facts = (
            self.host,
            str(self.port),
            self.security.value,
            self.username,
            self.password.get_secret_value(),
            self.ca_certificates,
        )
        return hashlib.sha256("\0".join(facts).encode()).hexdigest()


# Each costs 18 ms. The oldest protocol is TLS 1.2, which Python has chosen since 3.10.
@functools.lru_cache(maxsize=16)
def tls_context(ca_certificates: str) -> ssl.SSLContext:
    """Return a context that verifies the certificate and the host name.

    Raises:
        ConfigurationError: the certificates to trust cannot be read.
    """
    context = ssl.create_default_context()
    also_trust(context, ca_certificates)
    return context
