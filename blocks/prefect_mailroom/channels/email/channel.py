"""Mail over SMTP: one message and one SMTP transaction for each recipient.

The window between the end of DATA and the server's reply is the one place where nobody can know (RFC 1047): a
connection that breaks there is `OutcomeUnknown`, and the next attempt carries the same Message-ID.
"""

from __future__ import annotations

import asyncio
from email.headerregistry import Address
from typing import ClassVar

from prefect_email import EmailServerCredentials
from prefect_email.credentials import SMTPServer, SMTPType
from pydantic import Field, field_validator, model_validator

from prefect_mailroom import outbound
from prefect_mailroom.channels.base import Channel, Destination, Parcel, Receipt
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.channels.email.message import Sender, build, message_id
from prefect_mailroom.channels.email.server import Security, Server
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text.addresses import mail_address
from prefect_mailroom.text.filenames import clean_line


class EmailChannel(Channel):
    """Sends reports by mail through an SMTP server whose login is a prefect-email block."""

    _block_type_name = "Mailroom Email"
    _block_type_slug = "mailroom-email"
    _description = "Sends reports by mail through an SMTP server."

    kind: ClassVar[str] = "email"
    destination_type: ClassVar[type[Destination]] = EmailDestination

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
    allow_plain: bool = Field(
        default=False, description="Allow a connection without TLS, or with a certificate that is not verified."
    )
    ca_certificates: str = Field(default="", description="PEM certificates to trust in addition to the system's.")

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
        plain = self.credentials.smtp_type == SMTPType.INSECURE or not self.credentials.verify
        if plain and not self.allow_plain:
            raise ValueError(
                "allow_plain: the credentials use no TLS, or verify no certificate, so anyone on the "
                "network path can read "
                "the mail and the password; use STARTTLS or SSL, or set allow_plain if that is accepted"
            )
        return self

    async def transfer(self, parcel: Parcel) -> Receipt:
        """Send the parcel to its one recipient. Half of the attempt's time is for all that comes before DATA."""
        destination = parcel.destination
        assert isinstance(destination, EmailDestination)
        sender = Sender(Address(self.from_name, addr_spec=self.from_address), self.reply_to)
        limit = int(self.max_attachment_mb * 1_000_000)
        raw = await asyncio.to_thread(build, parcel, destination, sender, max_bytes=limit)

        from prefect_mailroom.channels.email import smtp

        server = self._server()
        reply = await smtp.send(
            server,
            raw,
            sender=self.from_address,
            recipients=destination.reached_by(parcel.recipient),
            attempt=parcel.attempt,
            before_data=parcel.look_again,
        )
        identifier = message_id(parcel.key, sender.address.domain)
        return Receipt(
            reference=smtp.queue_id(reply.said) or identifier,
            detail={
                "reply": f"{reply.code} {reply.said}",
                "message_id": identifier,
                "server": server.name,
                "recipient": parcel.recipient,
                "bytes": len(raw),
                **({"to_each": dict(reply.to_each)} if destination.each == "group" else {}),
            },
        )

    async def screen(self) -> None:
        """Refuse a server that may never be reached."""
        server = self._server()
        with outbound.screening():
            await outbound.resolve(server.host, server.port, timeout=outbound.SCREEN_SECONDS)

    async def check(self, steps: Steps) -> str:
        """Connect, encrypt, log in, and leave."""
        from prefect_mailroom.channels.email import smtp

        server = self._server()
        with steps.step(StepName.LOGIN):
            cipher = await smtp.probe(server)
        login = "login accepted" if server.username else "no login"
        return f"{server.name} answers, {cipher or 'not encrypted'}, {login}."

    def _server(self) -> Server:
        given = self.credentials
        host = given.smtp_server.value if isinstance(given.smtp_server, SMTPServer) else given.smtp_server
        try:
            host = outbound.ascii_host(str(host))
        except ValueError as error:
            raise ConfigurationError(f"'{host}' is not a host name.", field="credentials") from error
        security = {SMTPType.SSL: Security.TLS, SMTPType.STARTTLS: Security.STARTTLS}.get(given.smtp_type)
        return Server(
            host=host,
            port=int(given.smtp_port or given.smtp_type.value),
            security=security or Security.NONE,
            username=given.username or "",
            password=given.password,
            verify=given.verify,
            ca_certificates=self.ca_certificates,
            local_hostname=self.from_address.rpartition("@")[2],
            seconds=self.timeout_seconds / 2,
        )
