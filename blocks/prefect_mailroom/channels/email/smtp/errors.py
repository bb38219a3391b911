"""Translate the answers of an SMTP server: the one place where aiosmtplib's errors become ours."""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import Iterator

import aiosmtplib

from prefect_mailroom import outbound
from prefect_mailroom.channels.email.smtp.server import Server
from prefect_mailroom.errors import (
    ConfigurationError,
    DeliveryError,
    MailroomError,
    OutcomeUnknown,
    Refused,
    RetryLater,
)
from prefect_mailroom.text.filenames import clean_line

# Postfix: "Ok: queued as 4F2A1B"; Exim: "OK id=1rXyz-0001"; SES, Gmail: "Ok 0100018c-0000" or "OK  1707-abc - gsmtp".
_QUEUE_IDS = [
    re.compile(r"queued (?:mail )?(?:as|for delivery as)\s+([A-Za-z0-9._-]{4,80})", re.IGNORECASE),
    re.compile(r"\bid=([A-Za-z0-9._-]{4,80})", re.IGNORECASE),
    re.compile(r"^(?:\d\.\d\.\d\s+)?ok:?\s+([A-Za-z0-9._-]*\d[A-Za-z0-9._-]*)", re.IGNORECASE),
]
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
# What servers say in place of MAIL's usual answer once a login is none any more.
_LOGIN_CODES = {530, 534, 535, 538}
_LOGIN_ENHANCED = {"5.7.0", "5.7.3", "5.7.8", "5.7.57", "5.7.139"}
_TOO_BIG = {"5.2.3", "5.3.4", "4.3.1"}


def queue_id(reply: str) -> str:
    """Return the server's own name for the mail, from its reply to DATA; '' where it gives none that we know."""
    return next((found.group(1) for pattern in _QUEUE_IDS if (found := pattern.search(reply))), "")


def enhanced(reply: str) -> str:
    """Return the enhanced status code (RFC 3463) that a reply begins with, such as 5.7.139; '' where it has none."""
    found = _ENHANCED.match(reply)
    return found.group(1) if found else ""


def is_about_login(error: aiosmtplib.SMTPResponseException) -> bool:
    """Tell whether a server says that nobody is logged in, or no longer."""
    return error.code in _LOGIN_CODES or (error.code >= 500 and enhanced(str(error.message)) in _LOGIN_ENHANCED)


@contextlib.contextmanager
def translated(server: Server, recipient: str = "", *, data_sent: bool = False) -> Iterator[None]:
    """Turn what aiosmtplib raises into our errors.

    Args:
        data_sent: whether the mail itself is on its way, so that a lost connection leaves the outcome unknown.
    """
    try:
        yield
    except MailroomError:
        raise
    except aiosmtplib.SMTPAuthenticationError as error:
        if error.code < 500:
            raise RetryLater(f"{server.name} cannot check the login at the moment ({_codes(error)}).") from None
        raise login_refused(server, error) from None
    except aiosmtplib.SMTPResponseException as error:
        if not 400 <= error.code < 600:
            raise _for_break(error, server, data_sent=data_sent) from error
        raise _for_reply(error, server, recipient) from error
    except (ssl.SSLError, aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise _for_break(error, server, data_sent=data_sent) from error


def _codes(error: aiosmtplib.SMTPResponseException) -> str:
    """Return the codes of an answer to a login alone: the server's words may quote the user name."""
    return f"{error.code} {enhanced(str(error.message))}".strip()


def login_refused(server: Server, error: aiosmtplib.SMTPAuthenticationError) -> ConfigurationError:
    """Return what it means that a server refuses a login for good."""
    told = _codes(error)
    return ConfigurationError(
        f"{server.name} refused the login ({told}).", remedy=_login_remedy(server, told), field=server.setting
    )


def _login_remedy(server: Server, told: str) -> str:
    if told.endswith("5.7.139"):
        if server.oauth is not None:
            return "SMTP is switched off for the mailbox: Set-CASMailbox -SmtpClientAuthenticationDisabled $false."
        return "The server has switched off logins with a password: give `oauth` in the connection."
    if told.startswith("534") and server.oauth is None:
        return "The server wants an app password, or a login by tokens: give `oauth` in the connection."
    if server.oauth is not None:
        return (
            f"The token was given but not taken. Check that the app may send as {server.username}: its permission "
            "SMTP.SendAsApp and its access to the mailbox, or Google's delegation for the whole domain."
        )
    return "Correct the user name and password in the connection's credentials."


def _for_reply(error: aiosmtplib.SMTPResponseException, server: Server, recipient: str) -> MailroomError:
    said = f"{error.code} {clean_line(str(error.message))[:200]}"
    if 400 <= error.code < 500:
        # 421 ends the session whatever it answers; other 4xx after RCPT are about this recipient, such as greylisting.
        of_recipient = isinstance(error, aiosmtplib.SMTPRecipientRefused) and error.code != 421
        return RetryLater(f"{server.name} cannot accept the mail at the moment: {said}.", of_recipient=of_recipient)
    # A server that offers SIZE says at once that a mail is too big.
    too_big = error.code == 552 or enhanced(str(error.message)) in _TOO_BIG
    if too_big or isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError):
        remedy = "Check the address." if isinstance(error, aiosmtplib.SMTPRecipientRefused) else ""
        if too_big:
            remedy = "Compress the files, choose fewer formats, send links, or have the mailbox emptied."
        return Refused(f"{server.name} refused the mail to {recipient}: {said}.", remedy=remedy)
    about_sender = isinstance(error, aiosmtplib.SMTPSenderRefused) and not is_about_login(error)
    return ConfigurationError(
        f"{server.name} refused the connection: {said}.",
        remedy="Check the server, its encryption type, its login and the sender's address.",
        field="from_address" if about_sender else server.setting,
    )


def _for_break(error: BaseException, server: Server, *, data_sent: bool) -> DeliveryError | ConfigurationError:
    if not data_sent and (fault := outbound.tls_fault(error)):
        reason = getattr(fault, "verify_message", "") or fault.reason or "no handshake"
        return ConfigurationError(
            f"No trusted TLS connection to {server.name} is possible: {clean_line(str(reason))}.",
            remedy="Check the host name, the server's certificate, and whether the type is SSL or STARTTLS.",
            field=server.setting,
        )
    if data_sent:
        return OutcomeUnknown(
            f"{server.name} did not confirm the mail after it had been sent ({type(error).__name__}).",
            remedy=f"Ask whoever runs {server.name} whether it has the mail.",
        )
    lost = (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPConnectError, OSError, TimeoutError)
    if isinstance(error, lost):
        return RetryLater(
            f"The connection to {server.name} broke off before the mail was sent ({type(error).__name__})."
        )
    # What is left is the server lacking something we need: STARTTLS, AUTH, a method of login.
    return ConfigurationError(
        f"{server.name} cannot be used: {clean_line(str(error))[:200]}",
        remedy="Check whether the type is SSL or STARTTLS, and whether the server wants a login.",
        field=server.setting,
    )
