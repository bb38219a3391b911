"""The guards of notifications: conditions without which somebody is told too much, too little, or of others."""

from __future__ import annotations

from scripts.guards.guards import Guard

_API = ("tests/integration/api/access/test_notifications.py",)
_WANTS = ("tests/unit/notifications/test_wants.py",)
_STORED = "mailroom/notifications/repository.py"
_SERVICE = "mailroom/notifications/service.py"

NOTIFICATION_GUARDS = (
    Guard(
        "nobody marks what was told to others",
        "An admin who sees a notification of somebody else does not take it away from that person.",
        _STORED,
        "    viewer.require(doing, viewer.relation_to(found.user_id))\n",
        "",
        _API,
    ),
    Guard(
        "all that is marked is one's own",
        "One request for all of them leaves those of others as they are.",
        _STORED,
        "    own = [Notification.user_id == viewer.user_id, Notification.read_at.is_(None)]\n",
        "    own = [Notification.read_at.is_(None)]\n",
        _API,
    ),
    Guard(
        "what one does oneself is not told",
        "A bell that rings for every own click is a bell that nobody looks at.",
        _SERVICE,
        "[event for event in events if event.user_id != by]",
        "list(events)",
        _API,
    ),
    Guard(
        "what is muted is silent",
        "A muted schedule is stored as read, so that the bell does not count it.",
        _SERVICE,
        "read_at=at if schedule_id in listener.muted else None",
        "read_at=None",
        _API,
    ),
    Guard(
        "a mute ends",
        "After its time, a schedule is told again.",
        "mailroom/notifications/mutes.py",
        "    return or_(NotificationMute.until.is_(None), NotificationMute.until > at)\n",
        "    return NotificationMute.created_at <= at\n",
        _API,
    ),
    Guard(
        "whoever has chosen nothing is told",
        "No failure is unknown because a preference could not be read.",
        "mailroom/notifications/wants.py",
        "    return chosen(preferences, known, route) is not False\n",
        "    return chosen(preferences, known, route) is True\n",
        _WANTS,
    ),
    Guard(
        "schedules that one does not see are not muted",
        "Muting does not tell whether a schedule of somebody else exists.",
        "mailroom/notifications/mutes.py",
        "Schedule.id == wanted.schedule_id, of_schedules(viewer)",
        "Schedule.id == wanted.schedule_id",
        _API,
    ),
)
