"""The description of an SMTP server, made from its connection."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pydantic import SecretStr


class Security(Enum):
    """The ways to encrypt the connection to a server."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Server:
    """One SMTP server, its login, and the time it has.

    Attributes:
        username: empty where there is no login.
        verify: whether the server's certificate is verified.
        ca_certificates: PEM certificates to trust beside the system's.
        local_hostname: the name that we greet the server with.
        seconds: the time for everything before the mail itself.
    """

    host: str
    port: int
    security: Security
    username: str
    password: SecretStr
    verify: bool
    ca_certificates: str
    local_hostname: str
    seconds: float

    @property
    def name(self) -> str:
        """Return the server as people call it: `host:port`."""
        return f"{self.host}:{self.port}"
