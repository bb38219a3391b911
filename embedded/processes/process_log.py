"""Copies a child's output to a file that is rotated by size, and the lines that matter to the terminal."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable
from logging import LogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path

_WORTH_SHOWING = re.compile(r"\b(ERROR|CRITICAL|WARNING)\b|Traceback \(most recent|Finished in state")
_MAX_LINE = 8192
_SHOWN = 400


class ProcessLog:
    """Reads one child's output. `tail` holds its last lines, for the message when it dies."""

    def __init__(self, path: Path, show: Callable[[str], None], *, max_bytes: int = 5_000_000, keep: int = 3) -> None:
        self.path = path
        self.tail: deque[str] = deque(maxlen=15)
        self._show = show
        self._file = RotatingFileHandler(path, maxBytes=max_bytes, backupCount=keep, encoding="utf-8", delay=True)

    async def read(self, stream: asyncio.StreamReader) -> None:
        """Copy the stream until it ends; overlong lines are cut into pieces, never lost."""
        rest = b""
        while chunk := await stream.read(_MAX_LINE):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._line(line)
            if len(rest) > _MAX_LINE:
                self._line(rest)
                rest = b""
        if rest:
            self._line(rest)

    def _line(self, raw: bytes) -> None:
        line = raw.decode("utf-8", "replace").rstrip("\r")
        self.tail.append(line)
        self._file.emit(LogRecord("", 0, "", 0, line, None, None))
        if _WORTH_SHOWING.search(line):
            self._show(line if len(line) <= _SHOWN else f"{line[:_SHOWN]} … (all of it: {self.path})")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
