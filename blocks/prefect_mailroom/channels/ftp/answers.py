"""Translate what an FTP server answers: the one place where ftplib's errors become ours."""

from __future__ import annotations

import contextlib
import ftplib
import re
import ssl
from collections.abc import Iterator

from prefect_mailroom.channels.remote import faults
from prefect_mailroom.channels.remote.folder import Lost
from prefect_mailroom.errors import ConfigurationError, MailroomError, Refused, RetryLater
from prefect_mailroom.text.filenames import clean_line

CANNOT_DO = {500, 502, 504}
"""The answers to a command that the server does not know."""
_FULL = {452, 552}
_LOGIN = {332, 430, 530, 532}
_ENCRYPTION = {431, 522, 533, 534, 535, 536}
_PATH = {550, 553}
# vsftpd, proftpd, pyftpdlib and IIS each have another code for a full disk, and say so in words.
_FULL_WORDS = re.compile(
    r"quota|no space left|disk (is )?full|not enough (disk )?space|storage allocation", re.IGNORECASE
)


def code_of(error: ftplib.Error) -> int:
    """Return the code of an answer, 0 where it has none."""
    first = str(error)[:3]
    return int(first) if first.isascii() and first.isdigit() else 0


def said(answer: object) -> str:
    """Return an answer as one harmless line of at most 200 characters."""
    return clean_line(str(answer))[:200]


@contextlib.contextmanager
def translated(where: str, path: str) -> Iterator[None]:
    """Turn what ftplib raises for a file or folder into our errors, and into `Lost` where there is no answer.

    Args:
        where: the server as `host:port`.
        path: the file or folder as people know it.
    """
    try:
        yield
    except (FileNotFoundError, FileExistsError):
        raise  # They are what a folder tells, and come from no connection.
    except (ftplib.error_temp, ftplib.error_perm) as error:
        raise for_answer(error, where, path) from error
    except ssl.SSLCertVerificationError as error:
        raise no_trust(where, error) from error
    except (ftplib.Error, OSError, EOFError, ValueError) as error:
        raise Lost(type(error).__name__) from error


@contextlib.contextmanager
def opening(where: str, *, is_known: bool = False) -> Iterator[None]:
    """Turn what ftplib raises before the first file into our errors: nothing has been sent yet.

    Args:
        is_known: whether the server has accepted the login. Before, it may be any service, whose words are not for
            whoever made the connection, so its code has to do.
    """
    try:
        yield
    except (ftplib.error_temp, ftplib.error_perm) as error:
        raise for_answer(error, where, "", shows=is_known) from (error if is_known else None)
    except ssl.SSLError as error:
        raise no_trust(where, error) from error
    except (ftplib.Error, OSError, EOFError, ValueError) as error:
        raise RetryLater(
            f"The connection to {where} broke off before anything was sent ({type(error).__name__}).",
            remedy="Check that it is an FTP server, and whether its encryption is explicit, implicit or none.",
        ) from error


@contextlib.contextmanager
def logging_in(where: str) -> Iterator[None]:
    """Tell that a login was refused by its code alone: the server's words may repeat what it was sent."""
    try:
        yield
    except ftplib.error_perm as error:
        raise ConfigurationError(
            f"{where} refused the login ({code_of(error)}).",
            remedy="Correct the user name and password of the connection, and check whether the server wants TLS.",
            field="password",
        ) from None
    except (ftplib.error_temp, ftplib.error_reply) as error:
        code = code_of(error)
        if code in _LOGIN:
            raise ConfigurationError(
                f"{where} refused the login ({code}).",
                remedy="Correct the user name and password of the connection.",
                field="password",
            ) from None
        raise RetryLater(f"{where} cannot take the login at the moment ({code}).") from None


def for_answer(error: ftplib.Error, where: str, path: str, *, shows: bool = True) -> MailroomError:
    """Return our error for an answer that says no.

    Args:
        shows: whether it has the server's words; otherwise its code alone.
    """
    code = code_of(error)
    words = said(error) if shows else str(code)
    if code in _FULL or _FULL_WORDS.search(words):
        return faults.no_space(where, path)
    if code in _LOGIN:
        return ConfigurationError(
            f"{where} wants a login for this ({code}).",
            remedy="Correct the user name and password of the connection.",
            field="password",
        )
    if code in _ENCRYPTION:
        return ConfigurationError(
            f"{where} does not accept the encryption: {words}.",
            remedy="Check whether the server's encryption is explicit, implicit or none.",
            field="security",
        )
    if code in CANNOT_DO:
        return ConfigurationError(
            f"{where} cannot do what is needed: {words}.",
            remedy="Check whether the server's encryption is explicit, implicit or none.",
            field="security",
        )
    if code in _PATH:
        return _not_permitted(where, path, words)
    if code >= 500:
        return Refused(f"{where} refused '{path}': {words}.", remedy="Choose another path.")
    if path and code == 451:  # vsftpd says no more than this where the disk is full.
        return faults.failed(where, path, words)
    what = f"'{path}'" if path else "files"
    return RetryLater(f"{where} cannot take {what} at the moment: {words}.")


def _not_permitted(where: str, path: str, words: str) -> ConfigurationError:
    error = faults.not_permitted(where, path)
    return ConfigurationError(f"{error.message} It says: {words}.", remedy=error.remedy, field=error.field)


def no_trust(where: str, error: ssl.SSLError) -> ConfigurationError:
    """Return our error for a server whose certificate is not trusted, or that cannot speak TLS."""
    reason = getattr(error, "verify_message", "") or error.reason or "no handshake"
    return ConfigurationError(
        f"No trusted TLS connection to {where} is possible: {clean_line(str(reason))}.",
        remedy="Check the host name, the server's certificate, and whether encryption is explicit or implicit.",
        field="security",
    )
