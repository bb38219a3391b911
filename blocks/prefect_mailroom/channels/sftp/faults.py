"""Translate what an SFTP server answers, and what paramiko raises: the one place where their errors become ours."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

import paramiko
from paramiko.ssh_exception import IncompatiblePeer, MessageOrderError

from prefect_mailroom.channels.remote import faults
from prefect_mailroom.channels.remote.folder import Lost
from prefect_mailroom.errors import ConfigurationError, MailroomError, RetryLater
from prefect_mailroom.text.filenames import clean_line

NO_SUCH_FILE = 2
PERMISSION_DENIED = 3
FAILURE = 4
UNSUPPORTED = 8
# Of later drafts; some servers answer them to everybody.
_EXISTS = 11
_WRITE_PROTECT = 12
_FULL = {14, 15}
_CONNECTION = {6, 7}


class NoCommonAlgorithm(ConfigurationError):
    """The server and we have no algorithm in common."""


class Answered(OSError):
    """The server answered a request with an error.

    Attributes:
        code: SSH_FX_…; `errno` is set where Python has an equal.
    """

    def __init__(self, code: int, said: str) -> None:
        equal = {NO_SUCH_FILE: errno.ENOENT, PERMISSION_DENIED: errno.EACCES, _EXISTS: errno.EEXIST}
        super().__init__(equal.get(code, errno.EIO), said)
        self.code = code
        self.said = clean_line(said)[:200]


@contextlib.contextmanager
def translated(where: str, path: str) -> Iterator[None]:
    """Turn the failure of one request into `Lost` or an error of ours.

    Args:
        where: the server as `host:port`.
        path: what the request was about, as people know it.
    """
    try:
        yield
    except (MailroomError, Lost, FileExistsError, FileNotFoundError):
        raise
    except Answered as error:
        if error.code in _CONNECTION:
            raise Lost(error.said) from error
        raise _for_answer(error, where, path) from error
    except UnicodeError as error:
        raise faults.failed(where, path, "its answer is not in UTF-8") from error
    except (paramiko.SSHException, paramiko.SFTPError, EOFError, OSError) as error:
        # SFTPError: what came is no answer to anything.
        raise Lost(f"{type(error).__name__}: {clean_line(str(error))[:100]}") from error


def _for_answer(error: Answered, where: str, path: str) -> MailroomError:
    if error.code == NO_SUCH_FILE:
        return faults.no_folder(where, path)
    if error.code in (PERMISSION_DENIED, _WRITE_PROTECT):
        return faults.not_permitted(where, path)
    if error.code in _FULL:
        return faults.no_space(where, path)
    return faults.failed(where, path, error.said)


@contextlib.contextmanager
def opening(where: str) -> Iterator[None]:
    """Turn what goes wrong before there is a session into our errors; nothing has been sent then."""
    try:
        yield
    except MailroomError:
        raise
    except Lost as error:
        raise RetryLater(f"{where} ended the connection: {error}.") from error
    except IncompatiblePeer as error:
        raise NoCommonAlgorithm(
            f"{where} offers only algorithms that are not safe any more: {clean_line(str(error))[:200]}.",
            remedy="The server must be updated: SHA-1 in key exchange and signatures, CBC and MD5 are refused.",
            field="host",
        ) from error
    except MessageOrderError as error:
        raise ConfigurationError(
            f"{where} broke the order of the handshake; somebody may be changing it on its way.",
            remedy="Ask the operator of the server, or of the network between.",
            field="host",
        ) from error
    except (paramiko.SSHException, paramiko.SFTPError, EOFError, OSError) as error:
        said = clean_line(str(error))[:200]
        if "banner" in said or "protocol version" in said:
            # What is quoted there may be the first line of any server inside the network.
            raise RetryLater(
                f"{where} does not greet as an SSH server does.",
                remedy="Check the port. A server that is too busy may also close the connection before it greets.",
            ) from None
        raise RetryLater(f"{where} ended the connection: {said or type(error).__name__}.") from error
