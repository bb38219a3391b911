"""Make what the catalog of reports shows from what the service answers. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from api.actions.reports.views import ReportSummary
from api.web import words
from api.web.parts import Empty, Field, Link
from api.web.when import When

ADD_FOLDER = "mailroom reports sync FOLDER"
"""The command that stores every report of a folder."""


@dataclass(frozen=True, slots=True)
class Card:
    """A report to choose."""

    href: str
    picture: str
    title: str
    description: str
    formats: str
    owner: str
    used_by: str


@dataclass(frozen=True, slots=True)
class Page:
    """The catalog; `command` is how an admin adds a folder, empty where that is not said."""

    cards: tuple[Card, ...]
    search: Field
    status: str
    empty: Empty | None = None
    command: str = ""


def page(found: Iterable[ReportSummary], when: When, *, search: str, is_admin: bool) -> Page:
    """Return the catalog, or what matches the search."""
    cards = tuple(card(one) for one in found)
    field = Field("search", "Search", "search", search, attributes={"maxlength": "200"})
    empty, command = None, ""
    if not cards and search:
        clear = (Link("/reports", "Clear the search", icon="x"),)
        empty = Empty("No report matches", f"No title, id or description has “{search}” in it.", clear)
    elif not cards and is_admin:
        about = (
            "A report is a folder with its query, its parameters and its look. Add a folder of reports by this command:"
        )
        empty, command = Empty("No reports yet", about), ADD_FOLDER
    elif not cards:
        empty = Empty("No reports yet", "Admins and data engineers add reports. Ask one of them for the one you need.")
    named = words.count(len(cards), "report")
    return Page(cards, field, f"{named} match “{search}”" if search else named, empty, command)


def card(found: ReportSummary) -> Card:
    """Return one report as a card."""
    return Card(
        href=f"/reports/{found.id}",
        picture=picture(found.id, found.version),
        title=found.title,
        description=found.description,
        formats=", ".join(one.upper() for one in found.formats),
        owner=found.owner,
        used_by=words.count(found.used_by or 0, "schedule") if found.used_by else "no schedule yet",
    )


def picture(report_id: str, version: str) -> str:
    """Return the address of the picture of a version."""
    return f"/reports/{report_id}/picture?v={version[:12]}"
