"""Random timings, as their users would write them."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any
from zoneinfo import available_timezones

USUAL = (
    "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu", "Pacific/Apia",
    "America/Nuuk", "America/St_Johns", "Africa/Casablanca", "America/Havana",
)  # fmt: skip
ZONES = [*USUAL * 20, *sorted(name for name in available_timezones() if "/" in name)]
HOLIDAYS = frozenset(
    dt.date(year, month, day)
    for year in range(1998, 2040)
    for month, day in ((1, 1), (3, 28), (5, 1), (10, 30), (12, 25))
)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SIZES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def _item(pick: random.Random, low: int, high: int) -> str:
    a, b = sorted((pick.randint(low, high), pick.randint(low, high)))
    step = pick.randint(1, max(2, (high - low) // 2))
    return pick.choice([str(a), str(a), str(b), f"{a}-{b}", f"{a}-{b}/{step}", f"{a}/{step}", f"*/{step}"])


def _field(pick: random.Random, number: int, free: float) -> str:
    if pick.random() < free:
        return "*"
    return ",".join(_item(pick, *SIZES[number]) for _ in range(pick.choice((1, 1, 1, 2))))


def cron_timing(pick: random.Random) -> dict[str, Any]:
    """A cron expression; of some, saving refuses what can be read in two ways."""
    fields = [_field(pick, number, free) for number, free in enumerate((0.1, 0.3, 0.6, 0.7, 0.6))]
    if pick.random() < 0.15:
        fields[2] = pick.choice(("L", "1,L", "?", "31"))
    if pick.random() < 0.2:
        fields[4] = pick.choice(("fri#2", "mon#1,wed#3", "L5", "mon-fri", "7", "sun", "SAT", "?"))
    return {"frequency": "cron", "expression": " ".join(fields)}


def _time(pick: random.Random) -> str:
    if pick.random() < 0.5:
        return pick.choice(("00:00", "00:15", "00:30", "01:00", "01:30", "02:00", "02:15", "02:30", "03:00", "23:30"))
    return f"{pick.randrange(24):02}:{pick.randrange(60):02}"


def _rule(pick: random.Random) -> Any:
    return pick.choice(
        (
            pick.randint(1, 31),
            "last",
            {"nth": pick.choice((1, 2, 3, 4, 5, -1)), "weekday": pick.choice(DAYS)},
            {"business_day": pick.choice((1, 2, 7, 15, -1, -2, -10))},
        )
    )


def timing_of_words(pick: random.Random) -> dict[str, Any]:
    """A timing of every other kind, with bounds and holidays."""
    frequency = pick.choice(("hourly", "daily", "weekly", "monthly", "quarterly", "yearly"))
    days = pick.sample(DAYS, pick.randint(1, 7))
    kinds: dict[str, dict[str, Any]] = {
        "hourly": {"every": pick.randint(1, 12), "from": _time(pick), "until": "23:59", "days": days},
        "daily": {"at": _time(pick)},
        "weekly": {"at": _time(pick), "days": days},
        "monthly": {"at": _time(pick), "day": _rule(pick)},
        "quarterly": {"at": _time(pick), "day": _rule(pick), "month_of_quarter": pick.randint(1, 3)},
        "yearly": {"at": _time(pick), "day": _rule(pick), "month": pick.randint(1, 12)},
    }
    words = kinds[frequency]
    if frequency == "hourly" and pick.random() < 0.5:
        words["until"], words["days"] = "18:00", None
    if pick.random() < 0.4:
        words |= {"calendar": "office", "on_holiday": pick.choice(("run", "skip", "next", "previous"))}
    if pick.random() < 0.1:
        words["starts_on"] = f"{dt.date(pick.randint(2000, 2034), 1, 1) + dt.timedelta(days=pick.randrange(365))}"
    if pick.random() < 0.1:
        words["ends_on"] = f"{dt.date(2036, 1, 1) - dt.timedelta(days=pick.randrange(365 * 30))}"
        if words.get("starts_on", "0") > words["ends_on"]:
            del words["ends_on"]
    return {"frequency": frequency, **words}
