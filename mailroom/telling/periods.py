"""Decide for which day or week a user is to be told something by now. Pure.

A period ends at a time of day of the user's own zone, so days have 23 to 25 hours where the clocks change. A time that
does not exist on a day is taken at the end of the gap, one that comes twice the first time.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from mailroom.setting_groups.telling import TellingSettings
from mailroom.timing.model import WEEKDAYS
from mailroom.timing.zones import instant, known_zone, zone_named

DIGEST_GRACE = dt.timedelta(hours=20)
"""A digest is still sent this long after its time, such as after an outage; a later one comes soon."""
SUMMARY_GRACE = dt.timedelta(days=2)
"""A summary is still sent this long after its time."""
_DAY, _WEEK = dt.timedelta(days=1), dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Period:
    """Hold what a mail is about: from `begin` up to `end`. It is due at `due`; `key` names it among those of its kind.

    `until` is how far a summary looks ahead; of a digest it is `due` as well.
    """

    key: str
    begin: dt.datetime
    end: dt.datetime
    due: dt.datetime
    until: dt.datetime


def digest_period(timezone: str, settings: TellingSettings, *, now: dt.datetime) -> Period | None:
    """Return the day whose digest a user of a zone should have by now: what came since the one before.

    None where the last one was due too long ago.
    """
    zone = zone_named(known_zone(timezone))
    day = now.astimezone(zone).date()
    due = instant(dt.datetime.combine(day, settings.digest_at), zone)
    if due > now:
        day -= _DAY
        due = instant(dt.datetime.combine(day, settings.digest_at), zone)
    if now - due > DIGEST_GRACE:
        return None
    begin = instant(dt.datetime.combine(day - _DAY, settings.digest_at), zone)
    return Period(day.isoformat(), begin, due, due, due)


def summary_period(timezone: str, settings: TellingSettings, *, now: dt.datetime) -> Period | None:
    """Return the week whose summary a user of a zone should have by now: the seven days up to the day on which it is
    sent. None where the last one was due too long ago.
    """
    zone = zone_named(known_zone(timezone))
    today = now.astimezone(zone).date()
    day = today - _DAY * ((today.weekday() - WEEKDAYS.index(settings.summary_day)) % 7)
    due = instant(dt.datetime.combine(day, settings.summary_at), zone)
    if due > now:
        day -= _WEEK
        due = instant(dt.datetime.combine(day, settings.summary_at), zone)
    if now - due > SUMMARY_GRACE:
        return None

    def midnight(of: dt.date) -> dt.datetime:
        return instant(dt.datetime.combine(of, dt.time()), zone)

    return Period(day.isoformat(), midnight(day - _WEEK), midnight(day), due, midnight(day + _WEEK))
