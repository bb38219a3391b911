"""Make the message of an alert: its title, and its mail by the template files beside this module. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from mailroom.incidents.spec import IncidentKind, Level, Severity, Stage
from mailroom.incidents.words.kinds import words_of
from mailroom.incidents.words.story import Story, counted, listed
from prefect_mailroom.channels.email.texts.moments import moment_words
from prefect_mailroom.text.filenames import clean_line

_TEMPLATES = Path(__file__).with_name("templates")
_OF_CONNECTION = frozenset({IncidentKind.CONNECTION_FAILING})
_OF_NOTHING = "/monitoring"
RUNBOOKS = "docs/operations/runbooks.md"
"""The page has a section for each kind of incident; a test holds it to that."""
_WHY = {
    Level.OWNER: "You are told since it concerns what you own.",
    Level.TEAM: "You are told since you belong to the team of the owner, and it has not been solved yet.",
    Level.OPERATOR: "You are told since you look after this Mailroom. Its settings say who is.",
}


@dataclass(frozen=True, slots=True)
class Message:
    """Hold what one reader gets.

    Attributes:
        title: what is wrong, or over, in a line.
        body: the same in sentences, as a notification has it.
        subject, text, html: the mail.
        link: the page that shows it.
    """

    title: str
    body: str
    subject: str
    text: str
    html: str
    link: str


def message_of(story: Story, base: str, *, runbooks: str = "", is_test: bool = False) -> Message:
    """Return the message of a story.

    Args:
        base: the address of our pages, without a slash at its end.
        runbooks: the address of the page with the runbooks; if empty, its path in the repository is told.
    """
    words = words_of(story.kind)
    is_over = story.stage is Stage.RESOLVED
    title = clean_line(words.title(story))
    happened = [words.over(story)] if is_over else [words.happened(story), *story.reasons]
    todo = () if is_over else words.todo
    link = base + path_of(story)
    values: dict[str, Any] = {
        "title": title,
        "heading": happened[0].rstrip(".") if is_over else title,
        "happened": happened,
        "since": moment_words(story.opened_at.isoformat(), story.zone),
        "until": moment_words(story.resolved_at.isoformat(), story.zone) if story.resolved_at else "",
        "lasted": _lasted(story),
        "concerns": concerns(story),
        "todo": todo,
        "link": link,
        "why": _WHY[story.level],
        "mute": "" if is_over or not story.incident_id else f"{base}/monitoring/incidents/{story.incident_id}",
        "choose": "" if story.level is Level.OPERATOR else f"{base}/me",
        "runbook": f"{runbooks or RUNBOOKS}#{story.kind}" if story.level is Level.OPERATOR and not is_over else "",
        "is_critical": story.severity is Severity.CRITICAL,
        "is_test": is_test,
    }
    body = " ".join([*happened, *([values["concerns"]] if values["concerns"] else []), *todo])
    name = {Stage.OPENED: "alert", Stage.ESCALATED: "escalation", Stage.RESOLVED: "resolution"}[story.stage]
    subject, text, html = (_environment().get_template(f"{name}.{part}").render(values) for part in _PARTS)
    shown = f"Over: {title}" if is_over else title
    return Message(shown, body, clean_line(subject), text.strip() + "\n", html, link)


def concerns(story: Story) -> str:
    """Return whom or what an incident concerns, in a sentence; '' where it is everybody."""
    total = len(story.schedules) + story.others
    if not total:
        return ""
    whose = {Level.OWNER: " of yours", Level.TEAM: " of your team", Level.OPERATOR: ""}[story.level]
    if not story.schedules:
        return f"It concerns {counted(total, 'schedule')}{whose}."
    if total == 1:
        return "" if story.schedule_id in (story.subject, "") else f"It concerns the schedule {story.schedules[0]}."
    return f"It concerns {counted(total, 'schedule')}{whose}: {listed(story.schedules, story.others)}."


def path_of(story: Story) -> str:
    """Return the page that shows what an incident is about."""
    if story.kind in _OF_CONNECTION:
        return f"/connections/{quote(story.subject, safe='')}"
    if story.schedule_id:
        return f"/schedules/{quote(story.schedule_id, safe='')}"
    return _OF_NOTHING


def _lasted(story: Story) -> str:
    """Return how long it lasted, such as `2 h 5 min`; '' while it lasts."""
    if story.resolved_at is None:
        return ""
    minutes = round((story.resolved_at - story.opened_at).total_seconds() / 60)
    days, hours = minutes // 1440, minutes % 1440 // 60
    if days:
        return counted(days, "day") + (f" {hours} h" if hours else "")
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else "less than a minute"


_PARTS = ("subject.txt", "txt", "html")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
