"""ETags: the version that a change is based on, so that nobody overwrites what they have not seen."""

from __future__ import annotations

from mailroom.errors import Conflict


def etag_of(version: object) -> str:
    """Return a version as an ETag."""
    return f'"{version}"'


def check_etag(current: str, if_match: str | None, *, noun: str) -> None:
    """Refuse a change that is based on another version than `current`; None means that the caller does not care.

    Raises:
        Conflict: with `stale` set.
    """
    if if_match not in (None, "*", current):
        message = f"The {noun} has changed since you read it: its version is {current}, but you sent {if_match}."
        raise Conflict(message, remedy=f"Read the {noun} again, and repeat your change on the new version.", stale=True)
