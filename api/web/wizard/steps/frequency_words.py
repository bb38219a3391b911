"""Say what is wrong with a timing, and what the choices of a policy mean. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from api.web.forms import sentence
from mailroom.errors import Fault
from mailroom.timing.words import date_words, span_words

_TIME = "Enter a time, such as 09:00."
_WORDS = {
    "timing.days": "Choose at least one day.",
    "timing.frequency": "Choose how often it is sent.",
    "timing.timezone": "Choose a time zone of the list.",
    "timing.starts_on": "Enter a date, such as 30/11/2026.",
    "timing.ends_on": "Enter a date, such as 30/11/2026.",
    "timing.every": "Choose from 1 to 12 hours.",
    "timing.day": "Choose a day.",
    "timing.month": "Choose a month.",
    "timing.month_of_quarter": "Choose a month of the quarter.",
    "policy.pause_after_failures": "Enter a number from 1 to 1,000.",
    "policy.max_attempts": "Enter a number from 1 to 100.",
    "policy.catchup": "“All of them” does not go with “cancel the earlier run”: each would cancel the one before.",
    "policy.jitter": "The spread has to be shorter than the time after which a run is too late, and than the time "
    "between two runs.",
}


def say(fault: Fault, value: Mapping[str, Any]) -> str:
    """Return what is wrong, and what to do."""
    timing = value.get("timing")
    timing = timing if isinstance(timing, Mapping) else {}
    kind = timing.get("frequency")
    if fault.limited is not None and fault.limited.name == "interval_seconds":
        used, least = (
            span_words(dt.timedelta(seconds=float(one))) for one in (fault.limited.used, fault.limited.limit)
        )
        return (
            f"Runs would be {used} apart; the least is {least} (your limit). "
            f"Choose a longer interval, or ask {fault.limited.ask}."
        )
    if fault.field in {"timing.at", "timing.from", "timing.until"}:
        if kind == "once":
            return "Enter a date and a time, such as 24/12/2026 and 09:00."
        return _TIME
    if fault.field == "timing" and "no due time" in fault.message:
        return _never(timing)
    if fault.field.startswith("timing.calendar"):
        return "This calendar is no longer there. Choose another."
    if fault.field == "timing" and not kind:
        return _WORDS["timing.frequency"]
    return _WORDS.get(fault.field) or _WORDS.get(".".join(fault.field.split(".")[:2]), "") or _whole(fault)


def _never(timing: Mapping[str, Any]) -> str:
    if timing.get("frequency") == "once":
        return "This never fires: the time has passed. Choose a time in the future."
    ends = _date(timing.get("ends_on"))
    because = f"no run is due before it ends on {ends}" if ends else "no day fits"
    return f"This never fires: {because}. Check the days, and when it starts and ends."


def _date(text: Any) -> str:
    try:
        return date_words(dt.date.fromisoformat(str(text)))
    except ValueError:
        return ""


def _whole(fault: Fault) -> str:
    """Return a message of the domain as a sentence."""
    message = fault.message.strip()
    message = message[:1].upper() + message[1:]
    if message and message[-1] not in ".!?":
        message += "."
    return sentence(Fault(fault.field, message, fault.remedy))


OVERLAP = (
    ("skip", "Leave out the later run", "It is recorded as skipped, and nothing of it is sent."),
    ("buffer_one", "Let one wait", "It starts when the earlier one has ended; further ones are left out."),
    ("allow", "Let both run", "Both send, at the same time."),
    ("cancel_other", "Cancel the earlier run", "It sends nothing more, and the later one starts."),
)
CATCHUP = (
    ("latest", "Only the latest", "One run starts for all that were missed."),
    ("none", "None", "Only what is at most 10 minutes late still runs."),
    ("all", "All of them", "Up to 24, one after the other."),
)
NOTIFY = (
    ("none", "No", "Only you are told."),
    ("late", "When it is late", "Each of them gets one mail that it is late, and whom to ask."),
    ("failed", "Only when it has failed", "Each of them gets one mail once nothing is tried any more."),
)
HOLIDAY = (
    ("run", "Send anyway", ""),
    ("skip", "Skip it", "Nothing is sent that day."),
    ("next", "Next working day", "It is sent a day or more later."),
    ("previous", "Previous working day", "It is sent a day or more earlier."),
)
EXPIRES = ("PT30M", "PT1H", "PT2H", "PT4H", "PT8H", "P1D", "P3D", "P7D")
JITTER = ("PT0S", "PT5M", "PT15M", "PT30M", "PT1H")
