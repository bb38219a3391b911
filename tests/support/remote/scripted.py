"""Run an SFTP server of asyncssh whose misbehaviour is written by a test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

from tests.support.remote.servers import PASSWORD, SftpServer, key_pair

Result = TypeVar("Result")
Hook = Callable[["Session", str], object]


@dataclass
class Script:
    """Tell the server how to behave.

    Attributes:
        renames_over: whether it has OpenSSH's rename, which replaces.
        fails_after: answer each write that ends behind so many bytes with `failure`.
        keeps: confirm each write, and keep nothing of those that end behind so many bytes.
        fails_once_at: answer the first write at this offset with `failure`.
        failure: the answer to a write that fails.
        delay: seconds before each answer to a write.
        before_rename, after_rename: called with the session and the new path; it may raise, or cut the connection.
        logins: how often somebody logged in.
        requests: the names of the requests that change something, in order, with their last path.
    """

    renames_over: bool = True
    fails_after: int | None = None
    keeps: int | None = None
    fails_once_at: int | None = None
    failure: asyncssh.SFTPError = field(default_factory=lambda: asyncssh.SFTPFailure("Failure"))
    delay: float = 0
    before_rename: Hook | None = None
    after_rename: Hook | None = None
    logins: int = 0
    requests: list[tuple[str, str]] = field(default_factory=list)


class Session(asyncssh.SFTPServer):
    """Serve one session, in a folder that it can leave only by links."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], root: Path, script: Script) -> None:
        super().__init__(channel)
        self.root = root
        self.script = script
        self._paths: dict[int, str] = {}

    def map_path(self, path: bytes) -> bytes:
        """Paths that do not begin with a slash are below the root, as after a log-in."""
        return path if path.startswith(b"/") else str(self.root).encode() + b"/" + path

    def cut(self) -> None:
        """Cut the connection, so that no answer arrives."""
        self.channel.get_connection().abort()

    def _note(self, request: str, path: bytes) -> str:
        said = path.decode()
        self.script.requests.append((request, said))
        return said

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write, or fail as the script says."""
        if self.script.delay:
            await asyncio.sleep(self.script.delay)
        if self.script.keeps is not None and offset + len(data) > self.script.keeps:
            return len(data)
        if offset == self.script.fails_once_at:
            self.script.fails_once_at = None
            raise self.script.failure
        if self.script.fails_after is not None and offset + len(data) > self.script.fails_after:
            raise self.script.failure
        return await _awaited(super().write(file_obj, offset, data))

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename as OpenSSH does, where the server has that."""
        if not self.script.renames_over:
            raise asyncssh.SFTPOpUnsupported("Operation unsupported")
        path = self._note("posix_rename", newpath)
        self._hook(self.script.before_rename, path)
        await _awaited(super().posix_rename(oldpath, newpath))
        self._hook(self.script.after_rename, path)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename as the protocol has it: what is there stays."""
        path = self._note("rename", newpath)
        self._hook(self.script.before_rename, path)
        await _awaited(super().rename(oldpath, newpath))
        self._hook(self.script.after_rename, path)

    async def remove(self, path: bytes) -> None:
        """Remove a file."""
        self._note("remove", path)
        await _awaited(super().remove(path))

    def _hook(self, hook: Hook | None, path: str) -> None:
        if hook is not None:
            hook(self, path)


async def _awaited(result: Awaitable[Result] | Result) -> Result:
    return await result if isinstance(result, Awaitable) else result


class _Login(asyncssh.SSHServer):
    def __init__(self, script: Script) -> None:
        self._script = script

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._script.logins += 1
        return (username, password) == ("bank", PASSWORD)


@contextlib.asynccontextmanager
async def scripted(root: Path, script: Script, **options: Any) -> AsyncIterator[SftpServer]:
    """Run the server in this event loop while the context lasts.

    Args:
        options: asyncssh's own, such as its algorithms.
    """
    private, public = key_pair()
    root.mkdir(parents=True, exist_ok=True)
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: _Login(script),
        server_host_keys=[asyncssh.import_private_key(private)],
        sftp_factory=lambda channel: Session(channel, root, script),
        **{"login_timeout": 30, **options},
    )
    login = {"username": "bank", "password": PASSWORD, "folder": str(root)}
    try:
        yield SftpServer(server.get_port(), root, public, login, (PASSWORD,))
    finally:
        server.close()
        await server.wait_closed()
