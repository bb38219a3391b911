"""Offer an open SFTP session as the shared algorithm sees it."""

from __future__ import annotations

import contextlib
import socket
import stat
from collections.abc import Generator, Iterable
from pathlib import PurePosixPath

import paramiko

from prefect_mailroom.channels.remote import faults
from prefect_mailroom.channels.remote.folder import NOT_A_FILE, Lost
from prefect_mailroom.channels.sftp.client import Client, write
from prefect_mailroom.channels.sftp.faults import NO_SUCH_FILE, UNSUPPORTED, Answered, translated
from prefect_mailroom.channels.sftp.server import Server
from prefect_mailroom.errors import ConfigurationError, MailroomError
from prefect_mailroom.text.filenames import clean_line

_READ = 32_000
_BLOCKS = (2, 32, 128)
"""Keep so many reads under way at once: few at the beginning, where files that differ mostly do so."""


class SftpFolder:
    """Use one session that is logged in; see `remote/folder.py` for what its methods promise."""

    def __init__(self, transport: paramiko.Transport, link: socket.socket, server: Server) -> None:
        """Open the SFTP part of a connection that is logged in, and find the root folder.

        Raises:
            ConfigurationError: there is no SFTP, or no such folder.
        """
        self.where = server.name
        self._transport = transport
        self._link = link
        self._renames_over = True
        channel = transport.open_session(timeout=server.seconds)
        channel.settimeout(server.seconds)
        try:
            channel.invoke_subsystem("sftp")
        except paramiko.SSHException as error:
            raise ConfigurationError(
                f"{self.where} lets '{server.username}' log in, but offers no SFTP.",
                remedy="Ask its operator to allow the login SFTP.",
                field="username",
            ) from error
        self._client = Client(channel)
        wanted = server.folder or "."
        try:
            with translated(self.where, wanted):
                self._root = self._client.normalize(wanted)
                is_there = self._is_folder(PurePosixPath())
        except ConfigurationError as error:
            raise ConfigurationError(error.message, remedy=error.remedy, field="folder") from error
        if not is_there:
            raise faults.no_folder(self.where, self.shown(PurePosixPath()), field="folder")

    def shown(self, path: PurePosixPath) -> str:
        """Return the whole path on the server, as one harmless line."""
        return clean_line(self._full(path))

    def _full(self, path: PurePosixPath) -> str:
        below = "" if path == PurePosixPath() else f"/{path}"
        return f"{self._root.rstrip('/')}{below}" or "/"

    def enter(self, folder: PurePosixPath, *, make: bool) -> None:
        """Make sure that the folder is there, and below the root as the server resolves its links."""
        missing = []
        for level in (folder, *folder.parents):
            if self._is_folder(level):
                self._refuse_outside(level)
                break
            missing.append(level)
        if missing and (not make or missing[-1] == PurePosixPath()):
            raise faults.no_folder(self.where, self.shown(missing[-1]))
        for level in reversed(missing):
            with translated(self.where, self.shown(level)):
                try:
                    self._client.mkdir(self._full(level))
                except Answered:
                    if not self._is_folder(level):  # Otherwise another attempt made it in this moment.
                        raise
        if missing:
            self._refuse_outside(folder)

    def _is_folder(self, path: PurePosixPath) -> bool:
        with translated(self.where, self.shown(path)):
            try:
                found = self._client.stat(self._full(path))
            except Answered as error:
                if error.code == NO_SUCH_FILE:
                    return False
                raise
        if not stat.S_ISDIR(found.st_mode or stat.S_IFDIR):
            raise faults.no_folder(self.where, self.shown(path))
        return True

    def _refuse_outside(self, folder: PurePosixPath) -> None:
        with translated(self.where, self.shown(folder)):
            real = PurePosixPath(self._client.normalize(self._full(folder)))
        if not real.is_relative_to(self._root):
            raise faults.leads_out(self.where, self.shown(folder))

    def size(self, path: PurePosixPath) -> int | None:
        """Return the size of a plain file; links are not followed."""
        with translated(self.where, self.shown(path)):
            try:
                found = self._client.lstat(self._full(path))
            except Answered as error:
                if error.code == NO_SUCH_FILE:
                    return None
                raise
        is_file = found.st_mode is None or stat.S_ISREG(found.st_mode)
        return found.st_size if is_file and found.st_size is not None else NOT_A_FILE

    def put(self, path: PurePosixPath, chunks: Iterable[bytes]) -> None:
        """Write a file, many requests at once."""
        with translated(self.where, self.shown(path)), self._client.open(self._full(path), "wb") as file:
            write(file, chunks)

    def read(self, path: PurePosixPath) -> Generator[bytes, None, None]:
        """Yield the content in blocks of growing size, many requests at once."""
        with translated(self.where, self.shown(path)):
            try:
                file = self._client.open(self._full(path), "rb")
            except Answered as error:
                if error.code == NO_SUCH_FILE:
                    raise FileNotFoundError(self.shown(path)) from error
                raise
        with file:
            with translated(self.where, self.shown(path)):
                left, at, round_ = file.stat().st_size or 0, 0, 0
            while left:
                length = min(left, _READ * _BLOCKS[min(round_, len(_BLOCKS) - 1)])
                wanted = [(start, min(_READ, at + length - start)) for start in range(at, at + length, _READ)]
                with translated(self.where, self.shown(path)):
                    try:
                        block = b"".join(file.readv(wanted))
                    except EOFError:  # Somebody has cut the file meanwhile.
                        return
                yield block
                left, at, round_ = left - length, at + length, round_ + 1

    def rename(self, old: PurePosixPath, new: PurePosixPath, *, replace: bool) -> None:
        """Rename by OpenSSH's extension, which replaces in one step, or as the protocol has it, which does not."""
        with translated(self.where, self.shown(new)):
            if replace and self._renames_over:
                try:
                    self._client.posix_rename(self._full(old), self._full(new))
                    return
                except Answered as error:
                    if error.code == NO_SUCH_FILE:
                        raise FileNotFoundError(self.shown(old)) from error
                    if error.code != UNSUPPORTED:
                        raise
                    self._renames_over = False
            try:
                self._rename_plainly(old, new)
            except FileExistsError:
                if not replace:
                    raise
                # Where an answer was lost, what is there may be our own file under its new name.
                if self.size(old) is None:
                    raise FileNotFoundError(self.shown(old)) from None
                self.remove(new)
                self._rename_plainly(old, new)

    def _rename_plainly(self, old: PurePosixPath, new: PurePosixPath) -> None:
        try:
            self._client.rename(self._full(old), self._full(new))
        except Answered as error:
            if error.code == NO_SUCH_FILE:
                raise FileNotFoundError(self.shown(old)) from error
            if self.size(new) is not None:
                raise FileExistsError(self.shown(new)) from error
            raise

    def remove(self, path: PurePosixPath) -> None:
        """Remove the file; it is fine where nothing is."""
        with translated(self.where, self.shown(path)):
            try:
                self._client.remove(self._full(path))
            except Answered as error:
                if error.code != NO_SUCH_FILE:
                    raise

    def is_alive(self) -> bool:
        """Ask for the root folder's attributes."""
        try:
            return self._is_folder(PurePosixPath())
        except (Lost, MailroomError):
            return False

    def close(self) -> None:
        """Say goodbye and close the connection."""
        self.abort()  # A forked process may hold the socket too; closing ours alone would not end the connection.
        self._transport.close()

    def abort(self) -> None:
        """Cut the connection; paramiko's thread closes the socket when it sees that."""
        with contextlib.suppress(OSError):  # It is closed already.
            self._link.shutdown(socket.SHUT_RDWR)
