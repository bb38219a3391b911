"""Mail over SMTP: one message and one SMTP transaction for each recipient.

The window between the end of DATA and the server's reply is the one place where nobody can know (RFC 1047): what
breaks there is `OutcomeUnknown`, and the next attempt carries the same Message-ID.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
from collections.abc import AsyncIterator
from email.headerregistry import Address
from typing import ClassVar, Literal

import aiosmtplib
from prefect_email import EmailServerCredentials
from prefect_email.credentials import SMTPServer, SMTPType
from pydantic import Field, field_validator, model_validator

from prefect_mailroom import outbound
from prefect_mailroom.channels.base import Channel, Destination, Parcel, Receipt
from prefect_mailroom.channels.email import smtp_errors
from prefect_mailroom.channels.email.message import build, message_id
from prefect_mailroom.errors import ConfigurationError, RetryLater
from prefect_mailroom.text import variables
from prefect_mailroom.text.addresses import mail_address, without_repeats
from prefect_mailroom.text.filenames import clean_line

MAX_RECIPIENTS = 100


class EmailDestination(Destination):
    """Who gets the mail and what it says. `subject` and `text` are templates; empty `text` takes the report's own."""

    channel: Literal["email"] = "email"
    to: list[str] = Field(default_factory=list)
    cc: list[str] = Field(default_factory=list)
    bcc: list[str] = Field(default_factory=list)
    subject: str = "{report_name} {date}"
    text: str = Field(default="", max_length=10_000, description="Plain text before the report's own text.")
    attach: Literal["attachment", "none"] = "attachment"
    compress: bool = Field(default=False, description="Attach one zip of the files.")

    @field_validator("to", "cc", "bcc")
    @classmethod
    def _addresses(cls, addresses: list[str]) -> list[str]:
        return [mail_address(address) for address in addresses]

    @field_validator("subject")
    @classmethod
    def _subject(cls, subject: str) -> str:
        return variables.validate(subject, extra=variables.parameter_names(subject, field="subject"), field="subject")

    @field_validator("text")
    @classmethod
    def _text(cls, text: str) -> str:
        if any(ord(character) < 32 and character not in "\n\t" for character in text.replace("\r\n", "\n")):
            raise ValueError("it holds a control character")
        return text

    @model_validator(mode="after")
    def _someone_gets_it(self) -> EmailDestination:
        count = len(self.to) + len(self.cc) + len(self.bcc)
        if not count:
            raise ValueError("nobody is named in to, cc or bcc")
        if count > MAX_RECIPIENTS:
            raise ValueError(f"{count} recipients are named; at most {MAX_RECIPIENTS} can be")
        return self

    def recipients(self) -> list[str]:
        """Everybody in to, cc and bcc, each once."""
        return without_repeats([*self.to, *self.cc, *self.bcc])

    def for_test(self, caller: str) -> EmailDestination:
        """The same mail to the caller alone.

        Raises:
            ConfigurationError: the caller has no valid address.
        """
        try:
            address = mail_address(caller)
        except ValueError as error:
            raise ConfigurationError(f"The test cannot be mailed: {error}.", field="to") from error
        return self.model_copy(update={"to": [address], "cc": [], "bcc": []})


class EmailChannel(Channel):
    """Sends reports by mail through an SMTP server whose login is a prefect-email block."""

    _block_type_name = "Mailroom Email"
    _block_type_slug = "mailroom-email"
    _description = "Sends reports by mail through an SMTP server."

    kind: ClassVar[str] = "email"
    destination_type: ClassVar[type[Destination]] = EmailDestination

    credentials: EmailServerCredentials = Field(description="The server and its login.")
    from_address: str = Field(description="The address that the mail comes from.")
    from_name: str = Field(default="", max_length=100, description="The name shown with it.")
    reply_to: str = Field(default="", description="Where replies go, if not to from_address.")
    max_attachment_mb: float = Field(
        default=18, gt=0, le=150, description="Attachments together, in MB before encoding. Gmail takes about 18."
    )
    allow_plain: bool = Field(
        default=False, description="Allow a connection without TLS, or with a certificate that nobody verified."
    )
    ca_certificates: str = Field(default="", description="PEM certificates to trust beside the system's.")

    @field_validator("from_address", "reply_to")
    @classmethod
    def _addresses(cls, address: str) -> str:
        return mail_address(address) if address else address

    @field_validator("from_name")
    @classmethod
    def _name(cls, name: str) -> str:
        if clean_line(name) != name:
            raise ValueError("it holds a line break or control character")
        return name

    @model_validator(mode="after")
    def _encrypted(self) -> EmailChannel:
        if not self.from_address:
            raise ValueError("from_address: it is empty; give the address that the mail comes from")
        plain = self.credentials.smtp_type == SMTPType.INSECURE or not self.credentials.verify
        if plain and not self.allow_plain:
            raise ValueError(
                "allow_plain: the credentials use no TLS, or verify no certificate, so anyone on the way can read "
                "the mail and the password; use STARTTLS or SSL, or set allow_plain if that is accepted"
            )
        return self

    async def transfer(self, parcel: Parcel) -> Receipt:
        """Send the parcel to its one recipient. Half of the attempt's time is for all that comes before DATA."""
        destination = parcel.destination
        if not isinstance(destination, EmailDestination):
            raise ConfigurationError("The destination is not one of email.", field="channel")
        sender = Address(self.from_name, addr_spec=self.from_address)
        raw = await asyncio.to_thread(
            build,
            parcel,
            sender=sender,
            reply_to=self.reply_to,
            to=destination.to,
            cc=destination.cc,
            subject=parcel.subject or variables.expand(destination.subject, parcel.variables, field="subject"),
            text="\n\n".join(part for part in (destination.text, parcel.text) if part),
            attach=destination.attach == "attachment",
            compress=destination.compress,
            max_bytes=int(self.max_attachment_mb * 1_000_000),
        )
        async with self._session() as smtp:
            with smtp_errors.translated(self._where, parcel.recipient):
                async with self._before_data():
                    await smtp.mail(self.from_address)
                    await smtp.rcpt(parcel.recipient)
            with smtp_errors.translated(self._where, parcel.recipient, data_sent=True):
                reply = await smtp.data(raw)
        said = clean_line(reply.message)[:200]
        identifier = message_id(parcel.key, sender.domain)
        return Receipt(
            reference=smtp_errors.queue_id(said) or identifier,
            detail={
                "reply": f"{reply.code} {said}",
                "message_id": identifier,
                "server": self._where,
                "recipient": parcel.recipient,
                "bytes": len(raw),
            },
        )

    async def check(self) -> str:
        """Connect, encrypt, log in, and leave."""
        async with self._session() as smtp:
            with smtp_errors.translated(self._where):
                await smtp.noop()
            cipher = smtp.get_transport_info("cipher")
        login = "login accepted" if self.credentials.username else "no login"
        return f"{self._where} answers, {cipher[1] if cipher else 'not encrypted'}, {login}."

    @property
    def _where(self) -> str:
        return f"{self._host}:{self._port}"

    @property
    def _host(self) -> str:
        server = self.credentials.smtp_server
        return str(server.value if isinstance(server, SMTPServer) else server)

    @property
    def _port(self) -> int:
        return int(self.credentials.smtp_port or self.credentials.smtp_type.value)

    @contextlib.asynccontextmanager
    async def _before_data(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.timeout_seconds / 2):
                yield
        except TimeoutError as error:
            raise RetryLater(f"{self._where} was too slow to take the mail.") from error

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """An encrypted, logged-in session with a server that may be reached."""
        security = self.credentials.smtp_type
        smtp = aiosmtplib.SMTP(
            hostname=self._host,
            timeout=self.timeout_seconds / 2,
            use_tls=security == SMTPType.SSL,
            start_tls=security == SMTPType.STARTTLS,
            tls_context=_tls(self.ca_certificates, self.credentials.verify),
            local_hostname=self.from_address.rpartition("@")[2],
        )
        link = await outbound.connect(self._host, self._port, timeout=self.timeout_seconds / 2)
        try:
            with smtp_errors.translated(self._where):
                async with self._before_data():
                    await smtp.connect(sock=link)
                    if self.credentials.username:
                        await smtp.login(self.credentials.username, self.credentials.password.get_secret_value())
            yield smtp
            # The mail is accepted; how the server says goodbye changes nothing.
            with contextlib.suppress(aiosmtplib.SMTPException):
                await smtp.quit(timeout=5)
        finally:
            smtp.close()
            link.close()


# 18 ms each, a tenth of a delivery's CPU.
@functools.lru_cache(maxsize=16)
def _tls(ca_certificates: str, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_certificates:
        try:
            context.load_verify_locations(cadata=ca_certificates)
        except ssl.SSLError as error:
            raise ConfigurationError(
                "The CA certificates cannot be read.", remedy="Give them as PEM.", field="ca_certificates"
            ) from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
