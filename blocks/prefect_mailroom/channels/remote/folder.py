"""The port of a server for files: one open session, seen from the connection's root folder."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import PurePosixPath
from typing import Protocol

NOT_A_FILE = -1
"""The size of whatever is there and is no plain file: a folder, a link. It equals the size of no file."""


class Lost(Exception):
    """The session ended in the middle of a request: nobody knows whether the server carried it out."""


class RemoteFolder(Protocol):
    """One open session with a server for files. One thread at a time uses it, and every method may block.

    Paths are relative to the connection's root folder, and safe. Besides what is listed, each method raises `Lost`, or
    an error of ours for what the server answers (see `faults.py`): then it has not carried out the request.

    Attributes:
        where: the server as `host:port`.
    """

    where: str

    def shown(self, path: PurePosixPath) -> str:
        """Return the path as people who look at the server know it."""

    def enter(self, folder: PurePosixPath, *, make: bool) -> None:
        """Make sure that the folder is there, and that no link leads from the root folder to elsewhere.

        Args:
            make: make what is missing, instead of refusing it.

        Raises:
            ConfigurationError: it is missing and may not be made, or it leads out of the root folder.
        """

    def size(self, path: PurePosixPath) -> int | None:
        """Return the size of a plain file, None where nothing is, `NOT_A_FILE` for anything else."""

    def put(self, path: PurePosixPath, chunks: Iterable[bytes]) -> None:
        """Write a file and close it; what was there is cut to nothing first. The chunks may raise to end it."""

    def read(self, path: PurePosixPath) -> Generator[bytes, None, None]:
        """Yield the content from its beginning; the caller may stop in the middle.

        Raises:
            FileNotFoundError: nothing is there.
        """

    def rename(self, old: PurePosixPath, new: PurePosixPath, *, replace: bool) -> None:
        """Give the file another name, in one step where the server can.

        Args:
            replace: replace what has that name. Without it the server may still replace what another writer put there
                since it was looked for, where the protocol cannot say otherwise.

        Raises:
            FileNotFoundError: there is no file under the old name.
            FileExistsError: the new name is taken, and may not be replaced.
        """

    def remove(self, path: PurePosixPath) -> None:
        """Remove the file; it is fine where nothing is."""

    def is_alive(self) -> bool:
        """Ask the server something small, and tell whether it answered."""

    def close(self) -> None:
        """Say goodbye and close the connection. It raises nothing and takes a second at most."""

    def abort(self) -> None:
        """Cut the connection at once, from any thread: whoever uses the session gets `Lost`."""
