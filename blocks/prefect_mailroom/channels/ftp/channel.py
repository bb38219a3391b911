"""Deliver files to a server by FTPS, or by FTP where the operator allows it."""

from __future__ import annotations

import functools
from contextlib import AbstractAsyncContextManager
from typing import ClassVar

from pydantic import Field, SecretStr, field_validator

from prefect_mailroom import outbound
from prefect_mailroom.channels import limits
from prefect_mailroom.channels.base import Channel, Destination, Parcel, Receipt
from prefect_mailroom.channels.ftp.destination import FtpDestination
from prefect_mailroom.channels.ftp.server import Security, Server
from prefect_mailroom.channels.remote.deliver import deliver
from prefect_mailroom.channels.remote.folder import RemoteFolder
from prefect_mailroom.channels.remote.sessions import MOST_SESSIONS, session
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text.filenames import is_hostile

_SHARE_OF_A_STEP = 0.3
"""Give each step before the first file this part of an attempt's time: waiting for a session, and opening it."""


class FtpChannel(Channel):
    """Delivers report files to an FTP server: under a temporary name, checked, and then renamed."""

    _block_type_name = "Mailroom FTP"
    _block_type_slug = "mailroom-ftp"
    _description = "Delivers report files to a server by FTPS."

    kind: ClassVar[str] = "ftp"
    destination_type: ClassVar[type[Destination]] = FtpDestination
    harmless_fields: ClassVar[frozenset[str]] = frozenset({"folder"})

    host: str = Field(min_length=1, max_length=253, description="The name or address of the server.")
    port: int | None = Field(
        default=None, ge=1, le=65_535, description="Its port; by default 21, or 990 with implicit encryption."
    )
    username: str = Field(min_length=1, max_length=200, description="The user name of the login.")
    password: SecretStr = Field(default=SecretStr(""), description="The password of the login.")
    security: Security = Field(
        default=Security.EXPLICIT,
        description="How the connection is encrypted: 'explicit' (AUTH TLS), 'implicit' (TLS from the start), or "
        "'none', which only works where the operator allows it.",
    )
    folder: str = Field(
        default="",
        max_length=500,
        description="The folder that the paths of destinations begin at; by default the one that the login begins in.",
    )
    ca_certificates: str = Field(default="", description="PEM certificates to trust in addition to the system's.")

    # Servers for files often allow a login few sessions.
    max_sessions: int = limits.sessions(MOST_SESSIONS)

    @field_validator("host", "username", "folder")
    @classmethod
    def _is_one_line(cls, text: str) -> str:
        if any(is_hostile(character) for character in text):
            raise ValueError("it contains a line break or control character")
        return text

    @field_validator("password")
    @classmethod
    def _can_be_sent(cls, password: SecretStr) -> SecretStr:
        if any(character in password.get_secret_value() for character in "\r\n\0"):
            raise ValueError("it contains a line break or NUL")
        return password

    @field_validator("folder")
    @classmethod
    def _stays_where_it_says(cls, folder: str) -> str:
        if ".." in folder.split("/"):
            raise ValueError("it has the segment '..'; write the folder itself")
        return folder

    async def transfer(self, parcel: Parcel) -> Receipt:
        """Bring every file to its place; see `remote/upload.py`."""
        destination = parcel.destination
        assert isinstance(destination, FtpDestination)
        return await deliver(parcel, destination, self._session, seconds=self.timeout_seconds)

    async def screen(self) -> None:
        """Refuse a server that may never be reached, or not without encryption."""
        from prefect_mailroom.channels.ftp.plain import permit_plain

        server = self._server()
        with outbound.screening():
            for address in await outbound.resolve(server.host, server.port, timeout=outbound.SCREEN_SECONDS):
                if server.security is Security.NONE:
                    permit_plain(server.host, address)

    async def check(self, steps: Steps) -> str:
        """Connect, encrypt, log in, and write, read and remove a small file in the root folder."""
        from prefect_mailroom.channels.ftp.checking import check

        return await check(self._server(), self.folder, steps)

    async def reach(self, steps: Steps, *, seconds: float) -> bool:
        """Connect, encrypt, log in and leave."""
        from prefect_mailroom.channels.ftp.checking import reach

        await reach(self._server(), self.folder, steps)
        return True

    def _session(self) -> AbstractAsyncContextManager[RemoteFolder]:
        from prefect_mailroom.channels.ftp.opening import open_folder

        server = self._server()
        connect = functools.partial(open_folder, server, self.folder)
        key = f"{server.digest()}/{self.folder}"
        return session(key, connect, seconds=server.seconds, most=self.max_sessions)

    def _server(self) -> Server:
        try:
            host = outbound.ascii_host(self.host.strip("[]"))
        except ValueError as error:
            raise ConfigurationError(f"'{self.host}' is not a host name.", field="host") from error
        return Server(
            host=host,
            port=self.port or self.security.port,
            security=self.security,
            username=self.username,
            password=self.password,
            ca_certificates=self.ca_certificates,
            seconds=self.timeout_seconds * _SHARE_OF_A_STEP,
            patience=self.timeout_seconds,
        )
