"""Say points in time, durations and numbers as the reader is used to. Pure: the present is passed in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_timedelta
from babel.numbers import format_decimal

from api.web.parts import Moment

DEFAULT_LOCALE = "en-GB"
_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)?")
_STEPS = (("kB", 1000.0), ("MB", 1000.0**2), ("GB", 1000.0**3), ("TB", 1000.0**4))


@lru_cache(64)
def locale_of(name: str) -> Locale:
    """Return a locale by its name, such as `de-DE`; the default one where there is none of that name."""
    try:
        return Locale.parse(name, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(DEFAULT_LOCALE, sep="-")


@lru_cache(256)
def zone_of(name: str) -> ZoneInfo:
    """Return a zone by its name; UTC where there is none of that name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def abbreviation(at: datetime) -> str:
    """Return the abbreviation of a local time's zone, such as CET; UTC+03:00 for a zone that has only a number."""
    name = at.strftime("%Z")
    if found := _OFFSET.fullmatch(name):
        sign, hours, minutes = found.groups()
        return f"UTC{sign}{hours}:{minutes or '00'}"
    return name


@dataclass(frozen=True, slots=True)
class When:
    """Words for times, made for one reader: the reader's zone, language of dates, hours of a day, and the present."""

    zone: ZoneInfo
    locale: Locale
    hours24: bool
    now: datetime

    def moment(
        self, at: datetime, zone: str | ZoneInfo | None = None, *, relative: bool = False, short: bool = False
    ) -> Moment:
        """Return a point in time.

        Args:
            zone: the zone of the schedule that it belongs to; the reader's own, if none is given.
            relative: whether there is a second line such as "in 4 days".
            short: whether the year is left out if it is the present one.
        """
        here = self.zone if zone is None else zone_of(zone) if isinstance(zone, str) else zone
        local, mine = at.astimezone(here), at.astimezone(self.zone)
        differs = local.utcoffset() != mine.utcoffset()
        day_differs = local.date() != mine.date()
        for_you = ""
        if differs:
            told = self.time(at, self.zone)
            for_you = f"{self.day(mine.date(), short=True)}, {told}" if day_differs else told
        return Moment(
            iso=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            text=f"{self.day(local.date(), short=short)}, {self.time(at, here)}",
            relative=self.relative(at) if relative else "",
            for_you=for_you,
        )

    def day(self, day: date, *, short: bool = False) -> str:
        """Return a day, such as "Mon 30 Nov 2026"; a short one leaves out the year if it is the present one."""
        year = not (short and day.year == self.now.astimezone(self.zone).year)
        if self.locale.language == "en" and self.locale.territory != "US":
            return format_date(day, "EEE d MMM y" if year else "EEE d MMM", locale=self.locale)
        return format_skeleton("yMMMEd" if year else "MMMEd", day, tzinfo=None, locale=self.locale)

    def time(self, at: datetime, zone: ZoneInfo | None = None, *, seconds: bool = False) -> str:
        """Return the time of day with its zone, such as "09:00 CET"."""
        local = at.astimezone(zone or self.zone)
        return f"{self.clock(local, seconds=seconds)} {abbreviation(local)}"

    def clock(self, local: datetime, *, seconds: bool = False) -> str:
        """Return the time of day of a local time, without its zone."""
        if self.hours24:
            return local.strftime("%H:%M:%S" if seconds else "%H:%M")
        return local.strftime("%I:%M:%S %p" if seconds else "%I:%M %p").lstrip("0")

    def relative(self, at: datetime) -> str:
        """Return how far away a point in time is, such as "in 4 days" or "3 minutes ago"."""
        apart = at - self.now
        if abs(apart) < timedelta(seconds=5):
            return "now"
        # Weeks are left out: what stands in a list of days is compared day by day.
        days = round(abs(apart) / timedelta(days=1))
        if timedelta(hours=36) <= abs(apart) and days < 60:
            return f"in {days} days" if apart > timedelta() else f"{days} days ago"
        return format_timedelta(apart, add_direction=True, threshold=1.5, locale=Locale("en"))

    def ago(self, at: datetime) -> str:
        """Return the age of something, such as "3 min"."""
        return duration((self.now - at).total_seconds())

    def number(self, number: float) -> str:
        """Return a number with the digits of the reader's language, such as 1,204."""
        return format_decimal(number, locale=self.locale)


def duration(seconds: float) -> str:
    """Return a duration, such as "41 s", "2 min 5 s", "3 h 20 min" or "4 days". Pure."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    if whole < 2 * 86400:
        minutes = whole % 3600 // 60
        return f"{whole // 3600} h" + (f" {minutes} min" if minutes else "")
    return f"{whole // 86400} days"


def size(count: int) -> str:
    """Return a number of bytes, such as "1.2 MB". Pure."""
    if count < 1000:
        return f"{count} bytes" if count != 1 else "1 byte"
    unit, factor = next(((unit, factor) for unit, factor in reversed(_STEPS) if count >= factor), _STEPS[0])
    return f"{count / factor:.1f} {unit}"


def share(part: int, whole: int) -> str:
    """Return a share in percent; never rounded to 100 % while something is missing, nor to 0 % while there is some."""
    if whole == 0:
        return "–"
    percent = 100 * part / whole
    if part < whole and percent > 99.9:
        return "99.9 %"
    if part and percent < 0.1:
        return "0.1 %"
    return f"{percent:.0f} %" if percent in {0.0, 100.0} else f"{percent:.1f} %"
