"""Offer a folder on an FTP server as the shared steps of an upload want it; see `remote/folder.py`."""

from __future__ import annotations

import contextlib
import ftplib
import posixpath
from collections.abc import Generator, Iterable, Iterator
from pathlib import PurePosixPath

from prefect_mailroom.channels.ftp.answers import code_of, translated
from prefect_mailroom.channels.ftp.client import Client
from prefect_mailroom.channels.remote import faults
from prefect_mailroom.channels.remote.folder import NOT_A_FILE, Lost
from prefect_mailroom.errors import MailroomError

_ALIVE_SECONDS = 5
_GOODBYE_SECONDS = 1
_NOT_THERE = {450, 550, 551, 553}
"""Servers answer with one of these codes about a file that is not there; most say 550."""


class FtpFolder:
    """Use one session that is logged in, below a root folder."""

    def __init__(self, client: Client, root: str) -> None:
        """Go to the root folder: an absolute path, or one that begins where the login begins.

        Raises:
            ConfigurationError: there is no such folder.
            Lost: the session ended.
        """
        self.where = client.server.name
        self._client = client
        self._root = posixpath.join(client.home, root)
        with self._asking(self._root):
            try:
                client.cwd(self._root)
            except ftplib.error_perm as error:
                raise faults.no_folder(self.where, self._root, field="folder") from error
            self._real_root = client.pwd() or self._root
        client.patience = client.server.patience

    def shown(self, path: PurePosixPath) -> str:
        """Return the absolute path."""
        return posixpath.normpath(posixpath.join(self._root, path))

    def enter(self, folder: PurePosixPath, *, make: bool) -> None:
        """Make sure that the folder is there; a server that resolves links tells where it really is."""
        shown = self.shown(folder)
        with self._asking(shown):
            if not self._goes_to(shown) and not (make and self._made(folder)):
                raise faults.no_folder(self.where, shown)
            real = self._client.pwd()
        if real and not f"{real}/".startswith(f"{self._real_root.rstrip('/')}/"):
            raise faults.leads_out(self.where, shown)

    def size(self, path: PurePosixPath) -> int | None:
        """Return the size of a file; servers without MLST answer for files alone."""
        shown = self.shown(path)
        with self._asking(shown):
            try:
                if "MLST" in self._client.features:
                    return _size_of_facts(self._client.sendcmd(f"MLST {shown}"))
                return self._client.size(shown)
            except (ftplib.error_perm, ftplib.error_temp) as error:
                if code_of(error) not in _NOT_THERE:
                    raise
                return NOT_A_FILE if "MLST" not in self._client.features and self._goes_to(shown) else None

    def put(self, path: PurePosixPath, chunks: Iterable[bytes]) -> None:
        """Upload."""
        with self._asking(self.shown(path)):
            self._client.store(self.shown(path), chunks)

    def read(self, path: PurePosixPath) -> Generator[bytes, None, None]:
        """Download."""
        shown = self.shown(path)
        with self._asking(shown):
            try:
                yield from self._client.read(shown)
            except (ftplib.error_perm, ftplib.error_temp) as error:
                if code_of(error) in _NOT_THERE and self.size(path) is None:
                    raise FileNotFoundError(shown) from error
                raise

    def rename(self, old: PurePosixPath, new: PurePosixPath, *, replace: bool) -> None:
        """Rename; where the server does not replace a file, remove that first, which leaves a moment without one."""
        with self._asking(self.shown(new)):
            try:
                self._rename(old, new)
            except (ftplib.error_perm, ftplib.error_temp):
                there = self.size(new)
                if there is None or there == NOT_A_FILE:
                    raise
                if not replace:
                    raise FileExistsError(self.shown(new)) from None
                self._client.delete(self.shown(new))
                self._rename(old, new)

    def remove(self, path: PurePosixPath) -> None:
        """Remove; servers say 550 to a file that is not there."""
        with self._asking(self.shown(path)):
            try:
                self._client.delete(self.shown(path))
            except (ftplib.error_perm, ftplib.error_temp):
                if self.size(path) is not None:
                    raise

    def is_alive(self) -> bool:
        """Ask for nothing, and wait five seconds at most."""
        patience, self._client.patience = self._client.patience, _ALIVE_SECONDS
        try:
            with self._asking(""):
                is_in_step = self._client.sendcmd("NOOP").startswith("200")
        except (Lost, MailroomError):
            return False
        self._client.patience = patience
        return is_in_step

    def close(self) -> None:
        """Say goodbye."""
        self._client.patience = _GOODBYE_SECONDS
        with contextlib.suppress(ftplib.Error, OSError, EOFError):
            self._client.quit()
        self._client.close()

    def abort(self) -> None:
        """Cut the connections."""
        self._client.cut()

    @contextlib.contextmanager
    def _asking(self, path: str) -> Iterator[None]:
        try:
            with translated(self.where, path):
                yield
        except Lost:
            self._client.close()
            raise

    def _goes_to(self, folder: str) -> bool:
        """Go to a folder, and tell whether it is there. Nothing depends on where the session is."""
        try:
            self._client.cwd(folder)
        except ftplib.error_perm:
            return False
        return True

    def _made(self, folder: PurePosixPath) -> bool:
        """Make the folder and those above it, and tell whether it is there then."""
        refusal: ftplib.error_perm | None = None
        for above in [*reversed(folder.parents), folder]:
            try:
                self._client.mkd(self.shown(above))
            except ftplib.error_perm as error:  # It is there, mostly; servers have no code of their own for that.
                refusal = error
        if self._goes_to(self.shown(folder)):
            return True
        if refusal is not None:
            raise refusal
        return False

    def _rename(self, old: PurePosixPath, new: PurePosixPath) -> None:
        try:
            answer = self._client.sendcmd(f"RNFR {self.shown(old)}")
        except ftplib.error_perm as error:
            if self.size(old) is None:
                raise FileNotFoundError(self.shown(old)) from error
            raise
        if not answer.startswith("3"):
            raise ftplib.error_reply(answer)
        self._client.voidcmd(f"RNTO {self.shown(new)}")


def _size_of_facts(answer: str) -> int:
    """Return the size in an answer to MLST (RFC 3659), or `NOT_A_FILE`."""
    line = next((line for line in answer.splitlines() if line.startswith(" ")), "")
    facts = dict(fact.lower().split("=", 1) for fact in line.strip().partition(" ")[0].split(";") if "=" in fact)
    size = facts.get("size", "")
    is_file = facts.get("type") == "file" and size.isascii() and size.isdigit()
    return int(size) if is_file else NOT_A_FILE
