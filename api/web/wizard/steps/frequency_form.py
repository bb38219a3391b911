"""Read the form of the second step: nine kinds of timings, of which only the chosen one's fields count. Pure.

A field is named by its kind, such as `weekly-at`. A text that is no time or number stays as it was typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.web.forms import Form
from mailroom.errors import Fault
from mailroom.reports.spec import ReportDefinition

KINDS = ("daily", "weekly", "monthly", "quarterly", "yearly", "hourly", "once", "immediate", "cron")
WITH_DAY = ("monthly", "quarterly", "yearly")
_LISTS = {"weekly": "days", "hourly": "days"}
_TEXTS: Mapping[str, tuple[str, ...]] = {
    "daily": ("at",),
    "weekly": ("at",),
    "monthly": ("at",),
    "quarterly": ("at",),
    "yearly": ("at",),
    "hourly": ("from", "until"),
    "cron": ("expression",),
}
_NUMBERS: Mapping[str, tuple[str, ...]] = {
    "quarterly": ("month_of_quarter",),
    "yearly": ("month",),
    "hourly": ("every",),
}
_POLICY_TEXTS = ("overlap", "catchup", "expires_after", "jitter", "notify_recipients")
_POLICY_NUMBERS = ("pause_after_failures", "max_attempts")


def read(form: Form, _report: ReportDefinition | None = None) -> dict[str, Any]:
    """Return timing and policy as they were entered."""
    return {"timing": _timing(form), "policy": _policy(form)}


def _timing(form: Form) -> dict[str, Any]:
    kind = form.text("frequency")
    found: dict[str, Any] = {"frequency": kind} if kind else {}
    found |= {name: form.text(f"{kind}-{name}") for name in _TEXTS.get(kind, ())}
    found |= {name: number(form.text(f"{kind}-{name}")) for name in _NUMBERS.get(kind, ())}
    if kind in WITH_DAY:
        found["day"] = day_of(form.text(f"{kind}-day"))
    if name := _LISTS.get(kind):
        ticked = list(dict.fromkeys(form.many(f"{kind}-{name}")))
        if ticked or kind == "weekly":
            found[name] = ticked
    if kind == "once":
        found["at"] = "T".join(filter(None, (form.text("once-date"), form.text("once-time"))))
    return found | _of_all_kinds(form)


def _of_all_kinds(form: Form) -> dict[str, Any]:
    names = ("timezone", "starts_on", "ends_on", "calendar")
    found: dict[str, Any] = {name: text for name in names if (text := form.text(name))}
    holiday = form.text("on_holiday")
    if holiday and (holiday != "run" or "calendar" in found):
        found["on_holiday"] = holiday
    return found


def _policy(form: Form) -> dict[str, Any]:
    found: dict[str, Any] = {name: form.text(name) for name in _POLICY_TEXTS if form.text(name)}
    found |= {name: number(form.text(name)) for name in _POLICY_NUMBERS if form.text(name)}
    return found


def number(text: str) -> int | str:
    """Return a text as a number where it is one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def day_of(text: str) -> Any:
    """Return the rule for a day of a month that an option of the select stands for."""
    kind, _, rest = text.partition(":")
    if kind == "nth":
        nth, _, weekday = rest.partition(":")
        return {"nth": -1 if nth == "-1" else number(nth), "weekday": weekday}
    if kind == "business":
        return {"business_day": -int(rest[1:]) if rest.startswith("-") and rest[1:].isdigit() else number(rest)}
    return text if text == "last" else number(text)


def option_of(day: Any) -> str:
    """Return the option of the select that stands for the rule for a day of a month."""
    if isinstance(day, Mapping):
        if "business_day" in day:
            return f"business:{day['business_day']}"
        return f"nth:{day.get('nth')}:{day.get('weekday')}"
    return str(day)


def place(fault: Fault, kind: str) -> str:
    """Return the field of a fault. Pure."""
    steps = fault.field.split(".")
    name = steps[1] if len(steps) > 1 else ""
    if steps[0] == "policy":
        return name or "overlap"
    if name in {"timezone", "starts_on", "ends_on", "calendar", "on_holiday"}:
        return name
    if kind not in KINDS or name == "frequency":
        return "frequency"
    if kind == "once":
        return "once-date"
    known = {*_TEXTS.get(kind, ()), *_NUMBERS.get(kind, ())}
    if name == "days":
        return f"{kind}-days"
    if name == "day" and kind in WITH_DAY:
        return f"{kind}-day"
    return f"{kind}-{name}" if name in known else _first(kind)


def _first(kind: str) -> str:
    """Return the field that a fault of the whole timing is shown at."""
    names = {"hourly": "every", "cron": "expression", "weekly": "days"}
    return "frequency" if kind == "immediate" else f"{kind}-{names.get(kind, 'at')}"
