"""Say times, spans and counts in the mails that are told at set times. Pure."""

from __future__ import annotations

import datetime as dt

from mailroom.timing.zones import known_zone, zone_named

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def local(moment: dt.datetime, timezone: str) -> dt.datetime:
    """Return an instant as clocks of a zone show it."""
    return moment.astimezone(zone_named(known_zone(timezone)))


def short(moment: dt.datetime, timezone: str) -> str:
    """Return a moment such as `Mon 30 Nov, 09:00`; the mail says once which zone it means."""
    return f"{day(moment, timezone)}, {local(moment, timezone):%H:%M}"


def day(moment: dt.datetime, timezone: str) -> str:
    """Return a day such as `Mon 30 Nov`."""
    found = local(moment, timezone)
    return f"{_DAYS[found.weekday()]} {found.day} {_MONTHS[found.month - 1]}"


def about(span: dt.timedelta) -> str:
    """Return a length of time as people say it: `40 seconds`, `12 minutes`, `2 hours 5 minutes`, `3 days`."""
    seconds = round(span.total_seconds())
    if seconds < 60:
        return count(seconds, "second")
    minutes = round(seconds / 60)
    if minutes < 60:
        return count(minutes, "minute")
    hours, left = divmod(minutes, 60)
    if hours < 48:
        return count(hours, "hour") + (f" {count(left, 'minute')}" if left else "")
    return count(round(hours / 24), "day")


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, such as `1 report` or `1,200 reports`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(words: list[str]) -> str:
    """Return words as a list, such as `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""
