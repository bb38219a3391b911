"""The message of a claim, by which others see whose it is."""

from __future__ import annotations

_BEGIN, _END = "Claimed by worker ", "."


def claim_of(worker: str) -> str:
    """Return the message of a Pending that the worker of this name sets."""
    return f"{_BEGIN}{worker}{_END}"


def claimer(message: str | None) -> str | None:
    """Return the name of the worker whose claim has this message; None where it is no claim of a warm worker."""
    if message and message.startswith(_BEGIN) and message.endswith(_END):
        return message[len(_BEGIN) : -len(_END)]
    return None
