"""The data of the gallery: every part of the pages, in every state that it can have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from api.web import words
from api.web.drawings import charts, strip
from api.web.parts import Button, Empty, Field, FormFault, Link, Menu, Notice, Option, Pager, SummaryRow
from api.web.when import When, locale_of
from mailroom.states import ExecutionState, ScheduleState

NOW = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
STATES = (
    *("success", "success", "partial", "success", "failed", "success", "missed", "skipped", "cancelled", "success"),
    *("retrying", "running", "pending", "to_come", "to_come", "to_come"),
)
HOSTILE = '<script>alert(1)</script> "أحمد" ' + "x" * 40


def visitor(**given: Any) -> Any:
    """Return what the templates ask of a visitor."""
    when = When(ZoneInfo("Europe/Berlin"), locale_of("en-GB"), hours24=True, now=NOW)
    known = {"token": "token", "framed": False, "theme": "auto", "density": "comfortable", "name": "Ada Lovelace"}
    known |= {"here": "/schedules?state=failing", "when": when, "user": SimpleNamespace(email="ada@example.org")}
    return SimpleNamespace(**{**known, "may_any": lambda _action: True, **given})


def occurrences() -> list[strip.Occurrence]:
    """Return one of each state, a day apart."""
    return [
        strip.Occurrence(state, NOW + timedelta(days=number - 12), f"/executions/{number}", f"{number}: {state}")
        for number, state in enumerate(STATES)
    ]


def gallery() -> dict[str, Any]:
    """Return what the template of the gallery shows."""
    reader = visitor().when
    marks = [
        strip.Mark("edited", NOW - timedelta(days=8, hours=3), "Edited by Ada"),
        strip.Mark("paused", NOW - timedelta(days=5, hours=3), "Paused by Ada"),
        strip.Mark("resumed", NOW - timedelta(days=4, hours=3), "Resumed by Ada"),
    ]
    chips = [
        *words.EXECUTIONS.values(),
        *words.SCHEDULES.values(),
        words.FAILING,
        words.DRAFT,
        *words.DELIVERIES.values(),
    ]
    names = (
        "Carrier punctuality, Mondays 09:00",
        "Delays by airport",
        HOSTILE,
        "تقرير التأخير اليومي",
        "Cancelled flights",
    )
    states = (words.schedule_chip(ScheduleState.SUSPENDED), words.FAILING, *words.SCHEDULES.values())
    rows = [
        SimpleNamespace(
            name=name,
            sentence="Every Monday at 09:00",
            chip=states[number],
            last=(words.execution_chip(ExecutionState.PARTIAL, delivered=11, total=12), *words.EXECUTIONS.values())[
                number
            ],
            strip=strip.image(occurrences()[: 13 - number * 3], marks),
            next=reader.moment(
                NOW + timedelta(days=number + 1), "America/New_York" if number % 2 else None, relative=True
            ),
            owner="Ada Lovelace",
            menu=Menu(f"menu-{number}", f"Menu of {name}", (Link("/edit", "Edit", icon="pencil"), _delete())),
        )
        for number, name in enumerate(names)
    ]
    hours = [f"{hour:02}:00" for hour in range(24)]
    return {
        "visitor": visitor(),
        "title": "3 failing · Schedules",
        "notices": (
            Notice(
                "n1",
                "Paused. Nothing is sent until you resume; 3 runs this week fall away.",
                "ok",
                Button("/resume", "Undo"),
            ),
            Notice(
                "n2",
                "Prefect is not answering since 09:12. Changes are sent when it answers.",
                "warn",
                link=Link("/status", "Look"),
            ),
        ),
        "faults": (FormFault("at", "Enter a time, such as 09:00."), FormFault("", "The draft was changed elsewhere.")),
        "edit": Button("/edit", "Edit", icon="pencil"),
        "run": Button("/run", "Run now", {"etag": "3"}, "play", "primary"),
        "more": Menu("more", "More about this schedule", (Link("/copy", "Duplicate", icon="copy"), _delete())),
        "links": (
            Link("?", "All", current=True),
            Link("?view=failing", "Failing", count="3"),
            Link("?view=mine", "Mine"),
        ),
        "rows": rows,
        "pages": Pager("?", "?cursor=2", "51–100 of 1,204"),
        "strip": strip.page(occurrences(), marks, now=NOW),
        "figures": (
            ("Delivered, 30 days", "99.9 %", "1,203 of 1,204"),
            ("Due to delivered, p95", "41 s", "goal: 5 min"),
        ),
        "chips": chips,
        "charts": (
            charts.bars(
                "At 09:00, 212 others are due; 10:00 has 3",
                hours,
                (charts.Series("due", tuple(212 if h == 9 else h * 3.0 for h in range(24))),),
                axis="Hour (CET)",
                own=9,
            ),
            charts.bars(
                "Thursday was bad: 4 of 30 were not delivered",
                ("Mon", "Tue", "Wed", "Thu"),
                (
                    charts.Series("delivered", (30, 28, 31, 24), "ok"),
                    charts.Series("partly", (0, 1, 0, 2), "warn"),
                    charts.Series("not", (0, 0, 1, 4), "bad"),
                ),
                axis="Day (CET)",
            ),
            charts.lines(
                "Thursday 09:00 was late: p95 4 min 10 s",
                hours,
                (
                    charts.Series("p50", tuple(10.0 + h for h in range(24)), "run"),
                    charts.Series(
                        "p95", tuple(None if h == 5 else 250.0 if h == 9 else 40.0 + h for h in range(24)), "warn"
                    ),
                ),
                axis="Hour (CET)",
                words=lambda value: f"{value:g} s",
            ),
            charts.lines(
                "The queue was empty by 11:00",
                hours,
                (charts.Series("waiting", tuple(float(max(0, 40 - (h - 9) ** 2 * 4)) for h in range(24)), "wait"),),
                axis="Hour (CET)",
                area=True,
            ),
        ),
        "answers": (
            SummaryRow("Report", ("Carrier punctuality", "PDF and XLSX"), "/drafts/1/report"),
            SummaryRow("When", ("Every Monday at 09:00, Europe/Berlin",), "/drafts/1/frequency"),
            SummaryRow("Who", (HOSTILE,), "/drafts/1/destinations"),
        ),
        "fields": _fields(),
        "weekly": Field(
            "timing-days-",
            "Days",
            "checkboxes",
            ("mon",),
            (Option("mon", "Mon"), Option("tue", "Tue"), Option("wed", "Wed")),
        ),
        "monthly": Field("timing-day", "Day", "number", "1", attributes={"min": "1", "max": "31"}),
        "nothing": Empty(
            "No schedules yet",
            "Choose a report, and it arrives on Mondays.",
            (Link("/schedules/new", "New schedule", icon="plus"), Link("/reports", "Look at the reports")),
        ),
    }


def _delete() -> Button:
    return Button("/delete", "Delete", icon="trash-2", tone="bad")


def _fields() -> tuple[Field, ...]:
    formats = (
        Option("pdf", "PDF", "1,000 rows a table"),
        Option("xlsx", "XLSX", "All rows"),
        Option("csv", "CSV", disabled=True),
    )
    zones = (
        Option("UTC", "UTC"),
        Option("Europe/Berlin", "Europe/Berlin (now CET, UTC+01:00)", group="Europe"),
        Option("Europe/Paris", "Europe/Paris", group="Europe"),
        Option("America/Lima", "America/Lima", group="America"),
    )
    return (
        Field("name", "Name", value=HOSTILE, hint="It is the subject of the mail.", attributes={"maxlength": "200"}),
        Field("at", "Time", "time", "", hint="In Europe/Berlin.", errors=("Enter a time, such as 09:00.",)),
        Field("zone", "Time zone", "select", "Europe/Berlin", zones),
        Field("to", "To", "textarea", "Sales <sales@example.org>\nada@example.org", hint="One a line.", optional=True),
        Field("report", "Report", "cards", "pdf", formats),
        Field("format", "Format", "radios", "xlsx", formats, errors=("Choose a format.",)),
        Field("formats-", "Formats", "checkboxes", ("pdf",), formats),
        Field(
            "empty_too",
            "Send it even if there are no rows",
            "checkbox",
            "on",
            hint="The mail says that there are none.",
        ),
        Field("day", "First day", "date", "2026-11-30"),
        Field("once", "Moment", "datetime-local", "2026-11-30T09:00"),
        Field("tries", "Tries", "number", "8", attributes={"min": "1", "max": "20", "inputmode": "numeric"}),
        Field("password", "Password", "password", "", hint="Set on 3 May; leave it empty to keep it."),
        Field("mail", "E-mail", "email", "ada@example.org", attributes={"autocomplete": "email"}),
        Field("address", "Address", "url", ""),
        Field("find", "Search", "search", ""),
        Field("fixed", "Kind", "readonly", "E-mail"),
        Field("version", "Version", "hidden", "3"),
    )
