"""Make the fields of the second step from the part as it was entered. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from api.web.parts import Control, Field, Option
from api.web.wizard.steps import frequency_words as words
from api.web.wizard.steps.frequency_form import KINDS, option_of
from mailroom.executions.policy import Policy
from mailroom.timing.words import span_words

Errors = Mapping[str, tuple[str, ...]]
_KIND_WORDS = {
    "daily": "Daily",
    "weekly": "Weekly",
    "monthly": "Monthly",
    "quarterly": "Quarterly",
    "yearly": "Yearly",
    "hourly": "Several times a day",
    "once": "Once",
    "immediate": "Now",
    "cron": "Cron",
}
_DAYS = {"mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday"} | {
    "sat": "Saturday",
    "sun": "Sunday",
}
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_ORDINALS = {1: "First", 2: "Second", 3: "Third", 4: "Fourth", 5: "Fifth", -1: "Last"}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "daily": {"at": "09:00"},
    "weekly": {"days": ["mon"], "at": "09:00"},
    "monthly": {"day": 1, "at": "09:00"},
    "quarterly": {"month_of_quarter": 1, "day": 1, "at": "09:00"},
    "yearly": {"month": 1, "day": 1, "at": "09:00"},
    "hourly": {"every": 1, "from": "09:00", "until": "17:00"},
    "once": {"at": ""},
    "immediate": {},
    "cron": {"expression": ""},
}
_SHAPES = {"time": re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]"), "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")}
_SPAN: TypeAdapter[timedelta] = TypeAdapter(timedelta)
TRIES = 8
"""How often the wizard proposes to try one delivery."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of timing: its radio, and the fields that count while it is chosen."""

    value: str
    label: str
    chosen: bool
    fields: tuple[Field, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class FrequencyFields:
    """The form of the second step; `days_open` and `trouble_open` tell which details are open."""

    errors: tuple[str, ...]
    kinds: tuple[Kind, ...]
    zone: Field
    days: tuple[Field, ...]
    days_open: bool
    trouble: tuple[Field, ...]
    trouble_open: bool


def fields(
    value: Mapping[str, Any],
    errors: Errors,
    *,
    zone: str,
    zones: tuple[Option, ...],
    calendars: Sequence[tuple[str, str]],
) -> FrequencyFields:
    """Return the fields.

    Args:
        zone: the zone that is proposed.
        calendars: the ids and titles of the calendars.
    """
    timing = value.get("timing")
    timing = dict(timing) if isinstance(timing, Mapping) else {"frequency": "weekly"}
    policy = value.get("policy")
    policy = dict(policy) if isinstance(policy, Mapping) else {"max_attempts": TRIES}
    days = _days(timing, errors, calendars)
    trouble = _trouble(policy, errors)
    usual = {name: {str(text)} for name, text in Policy().model_dump(mode="json").items()}
    usual["max_attempts"].add(str(TRIES))
    return FrequencyFields(
        errors=errors.get("frequency", ()),
        kinds=tuple(_kind(kind, timing, errors) for kind in KINDS),
        zone=_zone(str(timing.get("timezone") or zone), zones, errors),
        days=days,
        days_open=any(one.errors or (one.value and one.name != "on_holiday") for one in days),
        trouble=trouble,
        trouble_open=any(one.errors or one.value not in usual[one.name] for one in trouble),
    )


def _zone(chosen: str, zones: tuple[Option, ...], errors: Errors) -> Field:
    if all(option.value != chosen for option in zones):
        zones = (Option(chosen, chosen), *zones)
    return Field("timezone", "Time zone", "select", chosen, zones, errors=errors.get("timezone", ()))


def _kind(kind: str, timing: Mapping[str, Any], errors: Errors) -> Kind:
    chosen = timing.get("frequency") == kind
    given = {**DEFAULTS[kind], **timing} if chosen else dict(DEFAULTS[kind])
    note = "It is sent as soon as it is activated, once." if kind == "immediate" else ""
    return Kind(kind, _KIND_WORDS[kind], chosen, tuple(_fields_of(kind, given, errors) if DEFAULTS[kind] else ()), note)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the fields of one kind of timing from what was entered."""

    kind: str
    given: Mapping[str, Any]
    errors: Errors

    def text(self, name: str) -> str:
        return str(self.given.get(name, ""))

    def wrong(self, name: str) -> tuple[str, ...]:
        return self.errors.get(f"{self.kind}-{name}", ())

    def time(self, name: str, label: str) -> Field:
        text = self.text(name)
        return Field(f"{self.kind}-{name}", label, _fitting("time", text), text, errors=self.wrong(name))

    def select(self, name: str, label: str, options: tuple[Option, ...]) -> Field:
        return Field(f"{self.kind}-{name}", label, "select", self.text(name), options, errors=self.wrong(name))

    def weekdays(self, label: str, hint: str = "") -> Field:
        return _weekdays(f"{self.kind}-days", label, self.given.get("days"), self.wrong("days"), hint)

    def day(self) -> Field:
        day = option_of(self.given.get("day"))
        return Field(f"{self.kind}-day", "Day", "select", day, day_options(day), errors=self.wrong("day"))


def _fields_of(kind: str, given: Mapping[str, Any], errors: Errors) -> list[Field]:
    make = _Maker(kind, given, errors)
    match kind:
        case "weekly":
            return [make.weekdays("Days"), make.time("at", "Time")]
        case "monthly":
            return [make.day(), make.time("at", "Time")]
        case "quarterly":
            months = tuple(Option(str(n), f"{_ORDINALS[n]} month") for n in (1, 2, 3))
            month = make.select("month_of_quarter", "Month of the quarter", months)
            return [month, make.day(), make.time("at", "Time")]
        case "yearly":
            months = tuple(Option(str(n), name) for n, name in enumerate(_MONTHS, 1))
            return [make.select("month", "Month", months), make.day(), make.time("at", "Time")]
        case "hourly":
            every = tuple(Option(str(n), "Every hour" if n == 1 else f"Every {n} hours") for n in range(1, 13))
            often = make.select("every", "How often", every)
            days = make.weekdays("Only on", "None ticked: every day.")
            return [often, make.time("from", "From"), make.time("until", "Until"), days]
        case "once":
            date, _, at = make.text("at").partition("T")
            at = at or "09:00"
            first = Field("once-date", "Date", _fitting("date", date), date, errors=errors.get("once-date", ()))
            return [first, Field("once-time", "Time", _fitting("time", at), at)]
        case "cron":
            return [_expression(make)]
        case _:
            return [make.time("at", "Time")]


def _fitting(control: Literal["time", "date"], text: str) -> Control:
    """Return the control for a time or date; plain text for what such a control could not show as it was typed."""
    return control if not text or _SHAPES[control].fullmatch(text) else "text"


def _expression(make: _Maker) -> Field:
    return Field(
        "cron-expression",
        "Expression",
        "text",
        make.text("expression"),
        hint="Five fields: minute, hour, day of the month, month, day of the week; such as 0 9 * * mon-fri.",
        errors=make.wrong("expression"),
        attributes={"autocomplete": "off", "spellcheck": "false", "maxlength": "200"},
    )


def _weekdays(name: str, label: str, given: Any, errors: tuple[str, ...], hint: str = "") -> Field:
    ticked = tuple(str(one) for one in given) if isinstance(given, Sequence) and not isinstance(given, str) else ()
    options = tuple(Option(day, word) for day, word in _DAYS.items())
    return Field(name, label, "checkboxes", ticked, options, hint, errors)


def day_options(chosen: str = "") -> tuple[Option, ...]:
    """Return the days of a month: by number, by weekday, and by business day."""
    found = [Option(str(day), f"Day {day}" if day < 29 else f"Day {day}, or the last", group="By date")
             for day in range(1, 32)]  # fmt: skip
    found.append(Option("last", "The last day", group="By date"))
    for nth, word in _ORDINALS.items():
        found += [Option(f"nth:{nth}:{day}", f"{word} {name}", group="By weekday") for day, name in _DAYS.items()]
    for nth in (*range(1, 11), -1, -2, -3):
        found.append(Option(f"business:{nth}", _business(nth), group="By working day"))
    if chosen and all(option.value != chosen for option in found):
        kind, _, rest = chosen.partition(":")
        sign, digits = rest[:1] == "-", rest.removeprefix("-")
        label = _business(-int(digits) if sign else int(digits)) if kind == "business" and digits.isdigit() else chosen
        found.append(Option(chosen, label, group="Other"))
    return tuple(found)


def _business(nth: int) -> str:
    number = abs(nth)
    ordinal = _ORDINALS.get(number, f"{number}th")
    if nth > 0:
        return f"{ordinal} working day"
    return "Last working day" if number == 1 else f"{ordinal} to last working day"


def _days(timing: Mapping[str, Any], errors: Errors, calendars: Sequence[tuple[str, str]]) -> tuple[Field, ...]:
    def text(name: str) -> str:
        return str(timing.get(name) or "")

    chosen = text("calendar")
    options = [Option("", "None"), *(Option(key, title) for key, title in calendars)]
    if chosen and chosen not in dict(calendars):
        options.append(Option(chosen, f"{chosen} (no longer there)"))
    holidays = tuple(Option(value, label, hint) for value, label, hint in words.HOLIDAY)

    def day(name: str, label: str, hint: str = "") -> Field:
        written = text(name)
        return Field(name, label, _fitting("date", written), written, (), hint, errors.get(name, ()), optional=True)

    return (
        day("starts_on", "Starts"),
        day("ends_on", "Ends", "The last day on which it may be sent."),
        Field("calendar", "Calendar of holidays", "select", chosen, tuple(options), errors=errors.get("calendar", ())),
        Field(
            "on_holiday",
            "On a holiday",
            "radios",
            text("on_holiday") or "run",
            holidays,
            errors=errors.get("on_holiday", ()),
        ),
    )


def _trouble(policy: Mapping[str, Any], errors: Errors) -> tuple[Field, ...]:
    default = Policy().model_dump(mode="json")

    def text(name: str) -> str:
        return str(policy.get(name, default[name]))

    def radios(name: str, label: str, choices: Sequence[tuple[str, str, str]]) -> Field:
        options = tuple(Option(value, word, hint) for value, word, hint in choices)
        return Field(name, label, "radios", text(name), options, errors=errors.get(name, ()))

    def spans(name: str, label: str, choices: Sequence[str], hint: str) -> Field:
        chosen = _canonical(text(name))
        known = choices if chosen in choices else (*choices, chosen)
        options = tuple(Option(value, _span_words(value)) for value in known)
        return Field(name, label, "select", chosen, options, hint, errors.get(name, ()))

    def numbers(name: str, label: str, hint: str, most: int) -> Field:
        attributes = {"inputmode": "numeric", "min": "1", "max": str(most)}
        return Field(name, label, "number", text(name), (), hint, errors.get(name, ()), attributes=attributes)

    return (
        radios("overlap", "If an earlier run has not ended", words.OVERLAP),
        radios("catchup", "After a break, of the runs that were missed send", words.CATCHUP),
        spans(
            "expires_after",
            "Too late after",
            words.EXPIRES,
            "A run that has not started by then is recorded as missed, and nothing is tried again after it.",
        ),
        spans("jitter", "Spread the start", words.JITTER, "Each run starts up to this long after its time."),
        radios("notify_recipients", "Tell its readers when it does not come", words.NOTIFY),
        numbers("pause_after_failures", "Suspend after failures in a row", "You are told, and can resume it.", 1000),
        numbers(
            "max_attempts", "Tries for each delivery", "The first try counts. Only what failed is tried again.", 100
        ),
    )


def _canonical(text: str) -> str:
    try:
        return _SPAN.dump_python(_SPAN.validate_python(text), mode="json")  # type: ignore[no-any-return]  # It is text.
    except ValidationError:
        return text


def _span_words(text: str) -> str:
    try:
        span = _SPAN.validate_python(text)
    except ValidationError:
        return text
    return span_words(span) if span else "No"
