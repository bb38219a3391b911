"""Translate the answers of an SMTP server: the one place where aiosmtplib's errors become ours."""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import Iterator

import aiosmtplib

from prefect_mailroom import outbound
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


def queue_id(reply: str) -> str:
    """Return the server's own name for the mail, from its reply to DATA; '' where it gives none that we know."""
    return next((found.group(1) for pattern in _QUEUE_IDS if (found := pattern.search(reply))), "")


@contextlib.contextmanager
def translated(where: str, recipient: str = "", *, data_sent: bool = False) -> Iterator[None]:
    """Turn what aiosmtplib raises into our errors.

    Args:
        where: the server as `host:port`.
        data_sent: whether the mail itself is on its way, so that a lost connection leaves the outcome unknown.
    """
    try:
        yield
    except MailroomError:
        raise
    except aiosmtplib.SMTPAuthenticationError as error:
        # The server's words may quote the user name; its code tells enough.
        if error.code < 500:
            raise RetryLater(f"{where} cannot check the login at the moment ({error.code}).") from None
        raise ConfigurationError(
            f"{where} refused the login ({error.code}).",
            remedy="Correct the user name and password in the connection's credentials.",
            field="credentials",
        ) from None
    except aiosmtplib.SMTPResponseException as error:
        raise _for_reply(error, where, recipient) from error
    except (ssl.SSLError, aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise _for_break(error, where, data_sent=data_sent) from error


def _for_reply(error: aiosmtplib.SMTPResponseException, where: str, recipient: str) -> MailroomError:
    said = f"{error.code} {clean_line(str(error.message))[:200]}"
    if 400 <= error.code < 500:
        # 421 ends the session whatever it answers; other 4xx after RCPT are about this recipient, such as greylisting.
        of_recipient = isinstance(error, aiosmtplib.SMTPRecipientRefused) and error.code != 421
        return RetryLater(f"{where} cannot accept the mail at the moment: {said}.", of_recipient=of_recipient)
    if isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError):
        remedy = "Check the address." if isinstance(error, aiosmtplib.SMTPRecipientRefused) else ""
        return Refused(f"{where} refused the mail to {recipient}: {said}.", remedy=remedy)
    field = "from_address" if isinstance(error, aiosmtplib.SMTPSenderRefused) else "credentials"
    return ConfigurationError(
        f"{where} refused the connection: {said}.",
        remedy=("Check the server, its encryption type and the sender's address."),
        field=field,
    )


def _for_break(error: BaseException, where: str, *, data_sent: bool) -> DeliveryError | ConfigurationError:
    if fault := outbound.tls_fault(error):
        reason = getattr(fault, "verify_message", "") or fault.reason or "no handshake"
        return ConfigurationError(
            f"No trusted TLS connection to {where} is possible: {clean_line(str(reason))}.",
            remedy="Check the host name, the server's certificate, and whether the type is SSL or STARTTLS.",
            field="credentials",
        )
    if data_sent:
        return OutcomeUnknown(f"{where} did not confirm the mail after it had been sent ({type(error).__name__}).")
    lost = (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPConnectError, OSError, TimeoutError)
    if isinstance(error, lost):
        return RetryLater(f"The connection to {where} broke off before the mail was sent ({type(error).__name__}).")
    # What is left is the server lacking something we need: STARTTLS, AUTH, a method of login.
    return ConfigurationError(
        f"{where} cannot be used: {clean_line(str(error))[:200]}",
        remedy="Check whether the type is SSL or STARTTLS, and whether the server wants a login.",
        field="credentials",
    )
