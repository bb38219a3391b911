"""The description of an SMTP server, made from its connection."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pydantic import SecretStr

from prefect_mailroom.channels.email.oauth.settings import OAuth


class Security(Enum):
    """The ways to encrypt the connection to a server."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Server:
    """One SMTP server and its login. Two are equal if all their settings are: then they can share sessions.

    Attributes:
        username: empty where there is no login.
        oauth: how to get a token, which is then sent in place of the password.
        verify: whether the server's certificate is verified.
        ca_certificates: PEM certificates to trust beside the system's.
        local_hostname: the name that we greet the server with.
        setting: the name of the connection's setting that describes its login, for errors.
    """

    host: str
    port: int
    security: Security
    username: str
    password: SecretStr
    verify: bool
    ca_certificates: str
    local_hostname: str
    oauth: OAuth | None = None
    setting: str = "credentials"

    @property
    def name(self) -> str:
        """Return the server as people call it: `host:port`."""
        return f"{self.host}:{self.port}"
