"""Say whether a user may own schedules, which is asked when one is resumed and again when a run sends. Pure."""

from __future__ import annotations

from enum import StrEnum

from mailroom.access.permissions import Action, Relation
from mailroom.access.viewer import viewer_of
from mailroom.storage.tables import User


class Bar(StrEnum):
    """The reason why a user may not own schedules: the user is disabled or gone, or has a role that owns none."""

    INACTIVE = "inactive"
    ROLE = "role"


def bar_of(owner: User | None) -> Bar | None:
    """Return why this user may not own schedules, or None."""
    if owner is None or not owner.is_active:
        return Bar.INACTIVE
    return None if viewer_of(owner).may(Action.SCHEDULE_OWN, Relation.OWN) else Bar.ROLE
