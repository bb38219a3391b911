"""Say what a visitor may do with a schedule, and who can do the rest. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from api.web.visitor import Visitor
from mailroom.access.permissions import Action
from mailroom.storage.tables import User


@dataclass(frozen=True, slots=True)
class Rights:
    """Hold what a visitor may do with one schedule."""

    change: bool
    pause: bool
    resume: bool
    run: bool
    test: bool
    backfill: bool
    delete: bool
    reassign: bool
    create: bool
    retry: bool
    audit: bool

    @property
    def none(self) -> bool:
        """Return whether the visitor may only look."""
        return not (self.change or self.pause or self.run or self.delete)


def rights_of(visitor: Visitor, owner_id: str) -> Rights:
    """Return what the visitor may do with a schedule of this owner."""

    def may(action: Action) -> bool:
        return visitor.may(action, owner_id)

    return Rights(
        change=may(Action.SCHEDULE_CHANGE),
        pause=may(Action.SCHEDULE_PAUSE),
        resume=may(Action.SCHEDULE_RESUME),
        run=may(Action.SCHEDULE_RUN),
        test=may(Action.SCHEDULE_TEST),
        backfill=may(Action.SCHEDULE_BACKFILL),
        delete=may(Action.SCHEDULE_DELETE),
        reassign=may(Action.SCHEDULE_REASSIGN),
        create=visitor.may(Action.SCHEDULE_CREATE),
        retry=may(Action.EXECUTION_RETRY),
        audit=visitor.may(Action.AUDIT_LIST),
    )


def who_can(owner: User | None) -> str:
    """Return who can change a schedule that the visitor may only look at."""
    if owner is None or not owner.is_active:
        return "You can look at this schedule. An admin can change it."
    return f"You can look at this schedule. {owner.name or owner.email}, who owns it, or an admin can change it."
