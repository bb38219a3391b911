"""Files on an SFTP server appear complete or not at all, and only on a server whose key a person confirmed."""

from __future__ import annotations

import functools
import secrets
from pathlib import PurePosixPath
from typing import ClassVar

from pydantic import Field, SecretStr, field_validator, model_validator

from prefect_mailroom import outbound
from prefect_mailroom.channels import limits
from prefect_mailroom.channels.base import Channel, Destination, Parcel, Receipt
from prefect_mailroom.channels.remote import deliver as remote
from prefect_mailroom.channels.remote import probe, sessions
from prefect_mailroom.channels.remote.folder import RemoteFolder
from prefect_mailroom.channels.sftp import host_keys
from prefect_mailroom.channels.sftp.destination import SftpDestination
from prefect_mailroom.channels.sftp.server import Server
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError

_SHARE_OF_AN_ANSWER = 0.25
"""Give the server this part of an attempt's time for one answer."""


class SftpChannel(Channel):
    """Writes report files to a folder of an SFTP server."""

    _block_type_name = "Mailroom SFTP"
    _block_type_slug = "mailroom-sftp"
    _description = "Writes report files to an SFTP server."

    kind: ClassVar[str] = "sftp"
    destination_type: ClassVar[type[Destination]] = SftpDestination
    harmless_fields: ClassVar[frozenset[str]] = frozenset({"password", "private_key", "passphrase", "folder"})

    host: str = Field(min_length=1, max_length=253, description="The server's name or address.")
    port: int = Field(default=22, ge=1, le=65535, description="The server's port.")
    username: str = Field(min_length=1, max_length=255, description="The name to log in with.")
    password: SecretStr = Field(default=SecretStr(""), description="The password, if the login needs one.")
    private_key: SecretStr = Field(
        default=SecretStr(""), description="A private key in OpenSSH's or PEM format, if the login uses one."
    )
    passphrase: SecretStr = Field(
        default=SecretStr(""), description="What the private key is encrypted with, if it is."
    )
    use_agent: bool = Field(
        default=False,
        description="Log in by the SSH agent of the worker's account, where the operator allows it with "
        "MAILROOM_SFTP_AGENT.",
    )
    host_key: str = Field(
        default="",
        max_length=20_000,
        description="The server's key as in known_hosts, or its SHA256 fingerprint; several, one a line, while it "
        "changes. Without it a check shows the key that the server has, and nothing is delivered.",
    )
    folder: str = Field(
        default="",
        max_length=500,
        description="The folder that all paths are below; by default the one that the login begins in. Nothing is "
        "written outside it.",
    )

    # Servers for files often allow a login few sessions.
    max_sessions: int = limits.sessions(sessions.MOST_SESSIONS)

    @field_validator("host_key")
    @classmethod
    def _host_key_can_be_read(cls, text: str) -> str:
        host_keys.parse(text)
        return text

    @field_validator("host", "username", "folder")
    @classmethod
    def _is_one_line(cls, text: str) -> str:
        if not text.isprintable():
            raise ValueError("it contains a line break or control character")
        return text

    @model_validator(mode="after")
    def _can_log_in(self) -> SftpChannel:
        if not (self.password.get_secret_value() or self.private_key.get_secret_value() or self.use_agent):
            raise ValueError("password: give a password or a private key, or set use_agent")
        return self

    async def transfer(self, parcel: Parcel) -> Receipt:
        """Write every file under its expanded path; a file already there with the same content counts as written."""
        from prefect_mailroom.channels.sftp.session import open_session

        destination = parcel.destination
        assert isinstance(destination, SftpDestination)
        server = self._server()
        borrow = functools.partial(
            sessions.session,
            server.digest(),
            functools.partial(open_session, server),
            seconds=self.timeout_seconds / 2,
            most=self.max_sessions,
        )
        return await remote.deliver(parcel, destination, borrow, seconds=self.timeout_seconds)

    async def screen(self) -> None:
        """Refuse a server that may never be reached."""
        server = self._server()
        with outbound.screening():
            await outbound.resolve(server.host, server.port, timeout=outbound.SCREEN_SECONDS)

    async def check(self, steps: Steps) -> str:
        """Connect, compare the server's key, log in, and write, read and remove a small file in the folder."""
        server = self._server()
        folder = await self._enter(server, steps)
        name = PurePosixPath(f".mailroom-check-{secrets.token_hex(8)}")
        await probe.write_read_delete(folder, name, steps, seconds=server.seconds)
        return f"{server.name} stores files in {folder.shown(PurePosixPath())}."

    async def reach(self, steps: Steps, *, seconds: float) -> bool:
        """Connect, compare the server's key, log in and leave."""
        server = self._server()
        await probe.leave(await self._enter(server, steps), seconds=server.seconds)
        return True

    async def _enter(self, server: Server, steps: Steps) -> RemoteFolder:
        """Open a session, each step of which is told."""
        from prefect_mailroom.channels.sftp import session

        with steps.step(StepName.RESOLVE) as told:
            addresses = await outbound.resolve(server.host, server.port, timeout=server.seconds)
            told.message = f"{server.host} has {len(addresses)} address{'es' if len(addresses) > 1 else ''}."
        with steps.step(StepName.CONNECT) as told:
            link = await session.connected(server)
            told.message = f"{server.name} answers."
        with steps.step(StepName.HOST_KEY) as told:
            found = await session.greeted(server, link)
            told.message = f"{session.shown_key(found)} is confirmed; the connection is encrypted."
        with steps.step(StepName.LOGIN) as told:
            folder = await session.logged_in(found, server)
            told.message = f"{server.name} accepts the login of '{server.username}'."
        return folder

    def _server(self) -> Server:
        try:
            host = outbound.ascii_host(self.host.strip("[]"))
        except ValueError as error:
            raise ConfigurationError(f"'{self.host}' is not a host name.", field="host") from error
        try:
            keys = tuple(host_keys.parse(self.host_key))
        except ValueError as error:  # Prefect lets a block be loaded that was made invalid elsewhere.
            raise ConfigurationError(f"The host key cannot be read: {error}.", field="host_key") from error
        return Server(
            host=host,
            port=self.port,
            username=self.username,
            password=self.password,
            private_key=self.private_key,
            passphrase=self.passphrase,
            use_agent=self.use_agent,
            folder=self.folder,
            host_keys=keys,
            seconds=self.timeout_seconds * _SHARE_OF_AN_ANSWER,
        )
