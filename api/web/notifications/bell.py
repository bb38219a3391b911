"""Say how many notifications are new, as the bell in the header of each page shows it. Pure."""

from __future__ import annotations

from api.web.parts import Bell
from mailroom.notifications.repository import MOST_COUNTED


def bell_of(unread: int) -> Bell:
    """Return the bell for so many unread notifications, of which no more than `MOST_COUNTED` were counted."""
    if not unread:
        return Bell()
    if unread >= MOST_COUNTED:
        return Bell(f"{MOST_COUNTED - 1}+", f"more than {MOST_COUNTED - 1} new")
    return Bell(str(unread), f"{unread} new")
