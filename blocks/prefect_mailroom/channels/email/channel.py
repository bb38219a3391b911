"""Mail over SMTP: one message and one SMTP transaction for each delivery, through the first server that takes it.

The window between the end of DATA and the server's reply is the one place where nobody can know (RFC 1047): a
connection that breaks there is `OutcomeUnknown`, and the next attempt carries the same Message-ID.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from email.headerregistry import Address
from typing import Any, ClassVar, Literal

from prefect_email import EmailServerCredentials
from prefect_email.credentials import SMTPServer, SMTPType
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from prefect_mailroom import outbound
from prefect_mailroom.channels import limits
from prefect_mailroom.channels.base import Channel, Destination, Parcel, Receipt
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.channels.email.message import Sender, build, message_id
from prefect_mailroom.channels.email.mime.attachments import must_link
from prefect_mailroom.channels.email.oauth import tokens
from prefect_mailroom.channels.email.oauth.settings import OAuth
from prefect_mailroom.channels.email.shown import shown as read
from prefect_mailroom.channels.email.smtp.server import Security, Server
from prefect_mailroom.channels.shown import Shown
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.kept_schema import keep_schema
from prefect_mailroom.own_class import without_slug
from prefect_mailroom.text.addresses import mail_address
from prefect_mailroom.text.filenames import clean_line

keep_schema(EmailServerCredentials)


class FurtherServer(BaseModel):
    """A server that takes over when the ones before it cannot take a mail."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(min_length=1, max_length=253, description="The name of the server.")
    port: int | None = Field(default=None, ge=1, le=65_535, description="Its port, if it is not the usual one.")
    security: Literal["starttls", "tls", "none"] = Field(default="starttls", description="How it is encrypted.")
    username: str = Field(default="", max_length=320, description="The user name, if it wants a login.")
    password: SecretStr = Field(default=SecretStr(""), description="The password, if it is no login by tokens.")
    oauth: OAuth | None = Field(default=None, description="A login by tokens (XOAUTH2) in place of the password.")
    ca_certificates: str = Field(default="", description="PEM certificates to trust in addition to the system's.")


class EmailChannel(Channel):
    """Sends reports by mail through SMTP servers, with a password or a token (XOAUTH2)."""

    _block_type_name = "Mailroom Email"
    _block_type_slug = "mailroom-email"
    _description = "Sends reports by mail through an SMTP server."

    kind: ClassVar[str] = "email"
    destination_type: ClassVar[type[Destination]] = EmailDestination
    harmless_fields: ClassVar[frozenset[str]] = frozenset(
        {"from_address", "from_name", "reply_to", "max_attachment_mb"}
    )

    credentials: EmailServerCredentials = Field(description="The SMTP server and its login.")
    from_address: str = Field(description="The address that the mail comes from.")
    from_name: str = Field(default="", max_length=100, description="The name shown with from_address.")
    reply_to: str = Field(
        default="", description="The address for replies to mails whose schedule names none and has no owner to answer."
    )
    max_attachment_mb: float = Field(
        default=18,
        gt=0,
        le=150,
        description=("The largest total size of the attachments, in MB before encoding. Gmail accepts about 18."),
    )
    oauth: OAuth | None = Field(
        default=None,
        description=(
            "A login by tokens (XOAUTH2), for the user name of the credentials or else for from_address; their "
            "password is not used then."
        ),
    )
    # Not a list: Prefect hides the secrets inside of objects, but not those inside of lists.
    second_server: FurtherServer | None = Field(
        default=None, description="A server that takes over when the first one cannot take a mail."
    )
    third_server: FurtherServer | None = Field(
        default=None, description="A server that takes over when the second one cannot take it either."
    )
    allow_plain: bool = Field(
        default=False, description="Allow a connection without TLS, or with a certificate that is not verified."
    )
    ca_certificates: str = Field(default="", description="PEM certificates to trust in addition to the system's.")
    max_per_second: float | None = limits.rate(10)

    @field_validator("credentials", mode="before")
    @classmethod
    def _of_its_own_class(cls, given: Any) -> Any:
        return without_slug(given, EmailServerCredentials)

    @field_validator("from_address", "reply_to")
    @classmethod
    def _addresses(cls, address: str) -> str:
        return mail_address(address) if address else address

    @field_validator("from_name")
    @classmethod
    def _name(cls, name: str) -> str:
        if clean_line(name) != name:
            raise ValueError("it contains a line break or control character")
        return name

    @model_validator(mode="after")
    def _encrypted(self) -> EmailChannel:
        if not self.from_address:
            raise ValueError("from_address: it is empty; give the address that the mail comes from")
        further = [server.security for server in (self.second_server, self.third_server) if server is not None]
        plain = self.credentials.smtp_type == SMTPType.INSECURE or not self.credentials.verify or "none" in further
        if plain and not self.allow_plain:
            raise ValueError(
                "allow_plain: a server is used without TLS, or its certificate is not verified, so anyone on the "
                "network path can read the mail and the password; use STARTTLS or SSL, or set allow_plain if that is "
                "accepted"
            )
        return self

    @classmethod
    def sends_as(cls, settings: Mapping[str, Any]) -> str:
        """Return the sender of its mails."""
        address, name = settings.get("from_address") or "", settings.get("from_name")
        return f"{name} <{address}>" if name and address else str(address)

    async def transfer(self, parcel: Parcel) -> Receipt:
        """Send the parcel through the first server that takes it."""
        began = asyncio.get_running_loop().time()
        destination = _destination(parcel)
        raw = await self._written(parcel)

        from prefect_mailroom.channels.email.smtp.providers import send_in_order
        from prefect_mailroom.channels.email.smtp.receipts import receipt
        from prefect_mailroom.channels.email.smtp.transaction import Mail

        mail = Mail(
            sender=self.from_address,
            recipients=tuple(destination.reached_by(parcel.recipient)),
            content=raw,
            before_data=parcel.look_again,
            attempt=parcel.attempt,
        )
        # A little less than the attempt has, so that the server at which it ran out is named.
        left = self.timeout_seconds * 0.97 - (asyncio.get_running_loop().time() - began)
        taken, passed_over = await send_in_order(self._servers(), mail, seconds=left, sessions=self.max_sessions)
        identifier = message_id(parcel.key, self._sender().address.domain)
        return receipt(taken, passed_over, parcel.recipient, message_id=identifier, size=len(raw))

    async def needs_links(self, parcel: Parcel) -> bool:
        """Tell whether the files are to be links, or are too large to be attached, also when they are packed."""
        return await asyncio.to_thread(must_link, parcel, _destination(parcel), max_bytes=self._max_bytes)

    async def shown(self, parcel: Parcel) -> Shown:
        """Return the mail as a mail program shows it, read from the very bytes that would be sent."""
        return read(await self._written(parcel), _destination(parcel).bcc)

    async def _written(self, parcel: Parcel) -> bytes:
        given = (parcel, _destination(parcel), self._sender())
        return await asyncio.to_thread(build, *given, max_bytes=self._max_bytes)

    @property
    def _max_bytes(self) -> int:
        return int(self.max_attachment_mb * 1_000_000)

    def _sender(self) -> Sender:
        return Sender(Address(self.from_name, addr_spec=self.from_address), self.reply_to)

    async def screen(self) -> None:
        """Refuse servers, and addresses for tokens, that may never be reached."""
        for server in self._servers():
            with outbound.screening():
                await outbound.resolve(server.host, server.port, timeout=outbound.SCREEN_SECONDS)
            if server.oauth is not None:
                await tokens.screen(server.oauth)

    async def check(self, steps: Steps) -> str:
        """Try each server: resolve, connect, encrypt, log in, ask for nothing, and leave."""
        from prefect_mailroom.channels.email.smtp.checking import probe

        seconds = self.timeout_seconds / 2
        return " ".join([await probe(server, steps, seconds=seconds) for server in self._servers()])

    async def reach(self, steps: Steps, *, seconds: float) -> bool:
        """Connect to the first server that lets us in, log in and leave."""
        from prefect_mailroom.channels.email.smtp.checking import reach_one

        await reach_one(self._servers(), steps, seconds=seconds)
        return True

    def _servers(self) -> list[Server]:
        """Return the servers in their order."""
        given = self.credentials
        host = given.smtp_server.value if isinstance(given.smtp_server, SMTPServer) else given.smtp_server
        security = {SMTPType.SSL: Security.TLS, SMTPType.STARTTLS: Security.STARTTLS}.get(given.smtp_type)
        first = Server(
            host=_ascii(str(host), "credentials"),
            port=int(given.smtp_port or given.smtp_type.value),
            security=security or Security.NONE,
            username=given.username or (self.from_address if self.oauth else ""),
            password=given.password,
            verify=bool(given.verify),
            ca_certificates=self.ca_certificates,
            local_hostname=self.from_address.rpartition("@")[2],
            oauth=self.oauth,
        )
        further = {"second_server": self.second_server, "third_server": self.third_server}
        return [first, *(self._further(name, server) for name, server in further.items() if server is not None)]

    def _further(self, setting: str, given: FurtherServer) -> Server:
        security = Security(given.security)
        return Server(
            host=_ascii(given.host, f"{setting}.host"),
            port=given.port or _PORTS[security],
            security=security,
            username=given.username or (self.from_address if given.oauth else ""),
            password=given.password,
            verify=True,
            ca_certificates=given.ca_certificates,
            local_hostname=self.from_address.rpartition("@")[2],
            oauth=given.oauth,
            setting=setting,
        )


def _destination(parcel: Parcel) -> EmailDestination:
    assert isinstance(parcel.destination, EmailDestination)
    return parcel.destination


_PORTS = {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}


def _ascii(host: str, setting: str) -> str:
    try:
        return outbound.ascii_host(host)
    except ValueError as error:
        raise ConfigurationError(f"'{host}' is not a host name.", field=setting) from error
