"""Read a file for an upload: checked against its checksum as it leaves, with progress, and not one byte too late."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable

from prefect_mailroom.channels.base import ParcelFile
from prefect_mailroom.errors import Refused, RetryLater

_PIECE = 1_048_576


class Source(io.RawIOBase):
    """A file that is read in order, from its beginning to its end, and may be rewound to be sent once more.

    The last bytes are given out only if the content is what was rendered: an upload of anything else never completes.

    Attributes:
        check_stop: for a store that waits for something else than the next bytes.
    """

    def __init__(
        self,
        file: ParcelFile,
        *,
        check_stop: Callable[[], None] = lambda: None,
        tell: Callable[[int], None] = lambda sent: None,
    ) -> None:
        """Open the file.

        Args:
            check_stop: called before each read; what it raises ends the upload.
            tell: told how many bytes were read so far.

        Raises:
            RetryLater: it cannot be read here.
        """
        super().__init__()
        self._file = file
        self.check_stop = check_stop
        self._tell = tell
        self._digest = hashlib.sha256()
        self._at = 0
        self._was_given_out = not file.size
        self._is_held = False
        try:
            self._content = file.path.open("rb", buffering=0)
        except OSError as error:
            raise _unreadable(file, error) from error

    @property
    def size(self) -> int:
        """Return the bytes that the file has by the parcel."""
        return self._file.size

    @property
    def sha256(self) -> str:
        """Return the SHA-256 that the file has by the parcel: no other content is ever given out whole."""
        return self._file.sha256

    @property
    def was_given_out(self) -> bool:
        """Tell whether all of it was read at least once: before that, no store can hold the whole of it."""
        return self._was_given_out and not self._is_held

    def hold(self) -> None:
        """Say that the store makes no object of the bytes before it is told to, as of an upload in parts."""
        self._is_held = True

    def release(self) -> None:
        """Say that the store is told to now."""
        self._is_held = False

    def __len__(self) -> int:
        """Return the size, for clients that ask for it in this way."""
        return self._file.size

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can be rewound."""
        return True

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Rewind to the beginning, or look how long it is; nothing else keeps the checksum right.

        Raises:
            io.UnsupportedOperation: another place.
        """
        if whence == os.SEEK_END and offset == 0:
            # Clients find out the length in this way, and rewind afterwards.
            return self._file.size
        if whence == os.SEEK_CUR and offset == 0:
            return self._at
        if whence == os.SEEK_SET and offset == self._at:
            return self._at
        if whence != os.SEEK_SET or offset != 0:
            raise io.UnsupportedOperation("A source is read in order.")
        self._content.seek(0)
        self._digest = hashlib.sha256()
        self._at = 0
        return 0

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]  # Any writable buffer.
        """Read the next bytes.

        Raises:
            Refused: the content differs from the rendered file.
            RetryLater: it cannot be read here.
        """
        self.check_stop()
        try:
            count = self._content.readinto(buffer) or 0
        except OSError as error:
            raise _unreadable(self._file, error) from error
        self._digest.update(memoryview(buffer)[:count])
        self._at += count
        is_over = self._at >= self._file.size
        if (is_over or not count) and not (
            self._at == self._file.size and self._digest.hexdigest() == self._file.sha256
        ):
            raise Refused(
                f"'{self._file.filename}' differs from the rendered file: its checksum is different.",
                remedy="Run the schedule again.",
            )
        self._was_given_out = self._was_given_out or is_over
        self._tell(self._at)
        return count

    def scan(self, update: Callable[[bytes], object]) -> None:
        """Read the whole file for a checksum that has to be known before it is sent; that tells no progress.

        Raises:
            RetryLater: it cannot be read here.
        """
        try:
            with self._file.path.open("rb", buffering=0) as content:
                while piece := content.read(_PIECE):
                    self.check_stop()
                    update(piece)
        except OSError as error:
            raise _unreadable(self._file, error) from error

    def close(self) -> None:
        """Close the file."""
        self._content.close()
        super().close()


def _unreadable(file: ParcelFile, error: OSError) -> RetryLater:
    return RetryLater(f"'{file.filename}' cannot be read here: {error.strerror}.")
