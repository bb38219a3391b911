"""The description of an SFTP server, made from its connection."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from pydantic import SecretStr

from prefect_mailroom.channels.sftp.host_keys import HostKey


@dataclass(frozen=True, slots=True)
class Server:
    """One SFTP server, its login, and the time it has for each answer.

    Attributes:
        folder: the root folder; empty for the one that the login begins in.
        host_keys: the keys that a person confirmed; empty before.
        seconds: the time for each answer, and for each of connecting, the handshake and the login.
    """

    host: str
    port: int
    username: str
    password: SecretStr
    private_key: SecretStr
    passphrase: SecretStr
    use_agent: bool
    folder: str
    host_keys: tuple[HostKey, ...]
    seconds: float

    @property
    def name(self) -> str:
        """Return the server as people call it: `host:port`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def digest(self) -> str:
        """Return a digest of everything that opens a session, by which sessions are kept."""
        told = [
            *(self.host, self.port, self.username, self.folder, self.use_agent),
            *(secret.get_secret_value() for secret in (self.password, self.private_key, self.passphrase)),
            *(key.fingerprint for key in self.host_keys),
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()
