"""Tell whether a small message can be sent through a connection of a kind."""

from __future__ import annotations

from mailroom.connections import trials
from mailroom.connections.kinds import is_channel
from mailroom.errors import Invalid


def can_test(kind: str, caller: str) -> bool:
    """Tell whether a connection of this kind can send a test to this caller alone. Pure."""
    if not is_channel(kind):
        return False
    try:
        trials.target(kind, "test", caller, {})
    except Invalid:
        return False
    return True
