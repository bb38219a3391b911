"""JSON messages, one a line, over a blocking stream socket."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

Message = dict[str, Any]

# A flow run with its parameters is one line; Prefect's own limit for parameters is 512 kB.
MAX_LINE = 64 * 1024 * 1024


def line(message: Message) -> bytes:
    """Return one message as a line of bytes."""
    return json.dumps(message).encode() + b"\n"


class Wire:
    """The end of a zygote or of a child. `None` from `receive` means that the other end is gone."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""

    def send(self, message: Message) -> None:
        """Write one message; raises OSError when nobody is left to read it."""
        self._connection.sendall(line(message))

    def receive(self) -> Message | None:
        """Wait for one message."""
        message, sent = self.receive_with_descriptor()
        if sent is not None:
            os.close(sent)
        return message

    def receive_with_descriptor(self) -> tuple[Message | None, int | None]:
        """Wait for one message and the file descriptor that came with it. The sender waits for an answer to each."""
        descriptor: int | None = None
        while b"\n" not in self._buffer:
            data, descriptors, _, _ = socket.recv_fds(self._connection, 65536, 1)
            if descriptors:
                descriptor = descriptors[0]
            if not data:
                return None, descriptor
            self._buffer += data
        found, _, self._buffer = self._buffer.partition(b"\n")
        message: Message = json.loads(found)
        return message, descriptor

    def fileno(self) -> int:
        """Return the file descriptor, for `select`."""
        return self._connection.fileno()

    def close(self) -> None:
        """Close this end."""
        self._connection.close()
