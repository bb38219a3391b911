"""Keep what people and far sides write from forging lines of a log, or from steering the terminal that shows it.

Names and answers of servers stand in messages. Whoever puts a line break into one could make up a line, and whoever
puts an escape sequence into it could hide others. Handlers and formatters belong to Prefect, to the server of the API,
or to a test, so each message is made harmless where it is made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

ROOMS = ("mailroom", "deployments", "prefect_mailroom", "api", "embedded")
"""The loggers below these names are ours."""

_FORMATTER = logging.Formatter()
_INVISIBLE = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def harmless(text: str) -> str:
    """Return the text on one line: control characters, line separators and changes of direction are escaped. Pure."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return _INVISIBLE.get(character) or f"\\u{ord(character):04x}"


def quoted(text: str) -> str:
    """Return lines of a traceback so that none of them can be taken for a line of the log: each begins with a bar."""
    return "\n".join(f"| {harmless(line)}" for line in text.split("\n"))


def guard() -> None:
    """Make the messages of our loggers harmless in this process; calling it again changes nothing."""
    factory = logging.getLogRecordFactory()
    if not isinstance(factory, _Guarded):
        logging.setLogRecordFactory(_Guarded(factory))


class _Guarded:
    """Makes records as before, and those of our loggers harmless."""

    def __init__(self, factory: Callable[..., logging.LogRecord]) -> None:
        self._factory = factory

    def __call__(self, *arguments: Any, **named: Any) -> logging.LogRecord:
        record = self._factory(*arguments, **named)
        # A record that is copied begins without a name.
        if record.name and record.name.partition(".")[0] in ROOMS:
            record.msg, record.args = harmless(record.getMessage()), None
            if isinstance(record.exc_info, tuple) and record.exc_info[0] is not None:
                # Formatters of lines of text take what is here; those of JSON escape the error themselves.
                record.exc_text = quoted(_FORMATTER.formatException(record.exc_info))
        return record
