"""Hold a message as its reader will see it, for a preview before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file that comes with the message; `size` is the length of its content in bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as its reader sees it.

    Attributes:
        sender: the name and address that it comes from.
        to, cc: who is named as a recipient; `hidden` are the recipients whom nobody sees.
        answers_to: the address that answers go to, empty where that is the sender's.
        html: the body, with its pictures in it; empty where the message is plain text alone.
        text: the plain body.
    """

    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    cc: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    answers_to: str = ""
    html: str = ""
    files: tuple[ShownFile, ...] = ()
