"""Says timings and moments in plain English. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from mailroom.timing.cron import read_cron
from mailroom.timing.model import (
    WEEKDAYS,
    BusinessDay,
    Cron,
    Daily,
    DayRule,
    Hourly,
    Immediate,
    Monthly,
    NthWeekday,
    Once,
    Quarterly,
    Recurring,
    Timing,
    Weekday,
    Weekly,
)
from mailroom.timing.rules import times

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June",
           "July", "August", "September", "October", "November", "December")  # fmt: skip
_NTH = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}
_HOLIDAYS = {
    "skip": "not on holidays",
    "next": "on a holiday, the next business day",
    "previous": "on a holiday, the business day before",
}


def date_words(day: dt.date) -> str:
    """Return a date such as `Monday 30 November 2026`."""
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def offset_words(local: dt.datetime) -> str:
    """Return an aware time's offset from UTC, such as `+01:00`."""
    return local.isoformat()[-6:]


def zone_words(local: dt.datetime) -> str:
    """Return what the zone calls itself then, such as CET; where it has no letters for it, its offset."""
    name = local.tzname() or ""
    return name if name.isalpha() else f"UTC{offset_words(local)}"


def moment_words(local: dt.datetime) -> str:
    """Return an aware local time, such as `Monday 30 November 2026, 09:00 CET`."""
    return f"{date_words(local)}, {local:%H:%M} {zone_words(local)}"


def span_words(span: dt.timedelta) -> str:
    """Return a length of time in the largest units that say it exactly, such as `1 hour 30 minutes`."""
    seconds = round(span.total_seconds())
    parts = ((seconds // 86400, "day"), (seconds // 3600 % 24, "hour"), (seconds // 60 % 60, "minute"))
    said = [f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in (*parts, (seconds % 60, "second"))
            if number]  # fmt: skip
    return " ".join(said) or "0 seconds"


def sentence(timing: Timing) -> str:
    """Return the whole timing, such as `Every Monday at 09:00 (Europe/Berlin)`."""
    match timing:
        case Immediate():
            return "At once"
        case Once():
            said = f"Once, on {date_words(timing.at)} at {timing.at:%H:%M}"
        case _:
            said = _recurring(timing)
    more = [
        f"from {date_words(timing.starts_on)}" if timing.starts_on else "",
        f"until {date_words(timing.ends_on)}" if timing.ends_on else "",
        _HOLIDAYS.get(timing.on_holiday, ""),
    ]
    return ", ".join([f"{said} ({timing.timezone})", *filter(None, more)])


def _recurring(timing: Recurring) -> str:
    match timing:
        case Cron():
            return _cron(timing.expression)
        case Hourly():
            return _hourly(timing)
        case Daily():
            return f"Every day at {timing.at:%H:%M}"
        case Weekly():
            return f"Every {_weekdays(timing.days)} at {timing.at:%H:%M}"
        case Monthly():
            return f"On {_rule(timing.day)} of every month at {timing.at:%H:%M}"
        case Quarterly():
            which = _NTH[timing.month_of_quarter]
            return f"On {_rule(timing.day)} of the {which} month of every quarter at {timing.at:%H:%M}"
        case _:
            return f"On {_rule(timing.day)} of {_MONTHS[timing.month - 1]} every year at {timing.at:%H:%M}"


def _hourly(timing: Hourly) -> str:
    every = "Every hour" if timing.every == 1 else f"Every {timing.every} hours"
    days = f", on {_weekdays(timing.days)}" if timing.days else ""
    last = dt.time(*divmod(times(timing)[-1], 60))
    return f"{every} from {timing.from_:%H:%M} to {last:%H:%M}{days}"


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _weekdays(names: Iterable[Weekday]) -> str:
    wanted = set(names)
    if wanted == set(WEEKDAYS[:5]):
        return "Monday to Friday"
    return _and([_DAYS[number] for number, name in enumerate(WEEKDAYS) if name in wanted])


def _rule(rule: DayRule) -> str:
    match rule:
        case int():
            return f"day {rule}" if rule <= 28 else f"day {rule} (or the last)"
        case NthWeekday():
            return f"the {_NTH[rule.nth]} {_DAYS[WEEKDAYS.index(rule.weekday)]}"
        case BusinessDay():
            number = abs(rule.business_day)
            end = "last " if rule.business_day < 0 else ""
            which = "" if number == 1 and end else _ordinal(number) + " "
            return f"the {which}{end.replace('last', 'last' if not which else 'to last')}business day"
        case _:
            return "the last day"


def _ordinal(number: int) -> str:
    if number in _NTH:
        return _NTH[number]
    return f"{number}th"


def _cron(expression: str) -> str:
    """Return a cron expression in words where the library's are right, else as it stands."""
    fields, plain = read_cron(expression), f"By cron {expression}"
    steps_in_a_list = any("," in field and "/" in field for field in expression.split())
    if steps_in_a_list or (fields.last_day and fields.days) or len(fields.nth) > 1:
        return plain
    # Late: it takes 160 ms to import, and only cron timings need it.
    from cron_descriptor import FormatError, Options, get_description  # noqa: PLC0415

    options = Options()
    options.use_24hour_time_format, options.locale_code = True, "en_US"
    minute, hour, day, month, weekday = expression.split()
    if fields.nth and weekday.lower().startswith("l"):
        weekday = f"{weekday[1:]}L"  # The last Friday is L5 for Prefect, 5L for this library.
    try:
        return str(get_description(f"{minute} {hour} {day} {month} {weekday}", options))
    except FormatError:
        return plain
