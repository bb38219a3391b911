"""Decide when an upload is worth a line in the log, and what it says. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.executions.history.upload_words import of_bytes

LEAST_SHARE = 0.1
LEAST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Said:
    """Hold what the last line told: how many bytes had left, and when by a clock that never goes back.

    Before the first line it is the begin of the upload.
    """

    sent: int
    at: float


def is_worth_a_line(said: Said, sent: int, total: int, *, now: float) -> bool:
    """Tell whether another tenth has left, and at least five seconds have passed: the later of both decides.

    An upload that begins anew, as after a broken connection, counts from there.
    """
    if now - said.at < LEAST_SECONDS:
        return False
    return sent < said.sent or sent - said.sent >= LEAST_SHARE * total


def line(sent: int, total: int, *, seconds: float) -> str:
    """Return how far an upload is, such as "62 of 214 MB (28 %) have left after 12 s"."""
    share = int(100 * sent / total) if total else 100
    return f"{of_bytes(sent, total)} ({share} %) have left after {seconds:.0f} s"
