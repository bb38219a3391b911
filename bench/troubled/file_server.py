"""`python -m bench.troubled.file_server PORT JOURNAL [merciful]`: an SFTP server that behaves badly, see `far_side`.

Its files are beside the journal, and so is its key, in `host_key.pub`. A file counts as accepted at its rename.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import asyncssh

from bench.troubled.far_side import FarSide
from bench.troubled.script import Script, file_name

LOGIN = ("troubled", "only for the bench")


class BadFiles(FarSide):
    """The script of all connections, and the folder of the files."""

    def __init__(self, journal: Path, script: Script) -> None:
        super().__init__(journal, script)
        self.folder = journal.parent / "files"
        self.folder.mkdir(exist_ok=True)


def _recipient(path: bytes) -> str | None:
    """Return the file that a path, or the name of a part of it, belongs to. Other names are nobody's."""
    found = re.search(rb"r(\d+)\.csv", path.rpartition(b"/")[2])
    return file_name(int(found[1])) if found else None


class Connection(asyncssh.SSHServer):
    """One connection, which may be turned away."""

    def __init__(self, bad: BadFiles) -> None:
        self._bad = bad
        self.turned_away = False

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Hang up, if it is the turn of this one."""
        conn.set_extra_info(mailroom_bench=self)
        self.turned_away = self._bad.bad and self._bad.script.turns_away()
        if self.turned_away and not self._bad.script.merciful:
            self._bad.note("turned away")
            conn.abort()

    def begin_auth(self, _username: str) -> bool:
        """Ask for a login."""
        return True

    def password_auth_supported(self) -> bool:
        """Take passwords."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Know one login."""
        return (username, password) == LOGIN


class Files(asyncssh.SFTPServer):
    """The files, with troubles at the opening of a new one and at the rename."""

    def __init__(self, bad: BadFiles, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        super().__init__(channel, chroot=str(bad.folder).encode())
        self._bad = bad

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open a file, or fail for now where it is one that is written."""
        recipient = _recipient(path) if pflags & asyncssh.FXF_WRITE else None
        if recipient and self._bad.bad:
            connection = self.channel.get_extra_info("mailroom_bench")
            if connection and connection.turned_away and self._bad.script.may_trouble(recipient):
                self._bad.note("turned away", recipient=recipient)
                self._hang_up()
            if self._bad.script.greylists(recipient):
                self._bad.note("greylisted", recipient=recipient)
                raise asyncssh.SFTPFailure("not now")
        return super().open(path, pflags, attrs)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        """Rename, whatever is there."""
        result = super().posix_rename(oldpath, newpath)
        self._accepted(newpath)
        return result

    def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        """Rename, if nothing is there."""
        result = super().rename(oldpath, newpath)
        self._accepted(newpath)
        return result

    def _accepted(self, path: bytes) -> None:
        recipient = _recipient(path)
        if recipient is None:
            return
        cut = self._bad.bad and self._bad.script.cuts(recipient)
        self._bad.note("accepted", recipient=recipient, message_id=recipient, cut=cut)
        if cut:
            self._hang_up()

    def _hang_up(self) -> None:
        self.channel.get_connection().abort()
        raise asyncssh.SFTPConnectionLost("cut")


async def serve(port: int, journal: Path, *, merciful: bool) -> None:
    """Serve until the process is ended."""
    bad = BadFiles(journal, Script(merciful))
    bad.listen_for_the_sign()
    key = asyncssh.generate_private_key("ssh-ed25519")
    await asyncssh.listen(
        "127.0.0.1",
        port,
        server_factory=lambda: Connection(bad),
        server_host_keys=[key],
        sftp_factory=lambda channel: Files(bad, channel),
    )
    # Whole, or not there: others wait for it.
    unready = journal.with_name("host_key.part")
    unready.write_bytes(key.export_public_key())
    unready.rename(journal.with_name("host_key.pub"))
    bad.note("ready")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), merciful="merciful" in sys.argv[3:]))
