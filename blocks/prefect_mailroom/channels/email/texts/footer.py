"""Say in one line why a reader gets a mail, who owns it, what it shows, when the next one comes, how to stop it. Pure.

Everything comes from the parcel's facts; a fact that is not there has no sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prefect_mailroom.channels.base import Parcel
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.channels.email.texts.moments import moment_words
from prefect_mailroom.text.filenames import clean_line

_MOST_FILTERS = 8
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Footer:
    """The line at the end of a mail.

    Attributes:
        about: its sentences, but for the last.
        stop: the last sentence, without the address that follows it.
        stop_at: the address, an https or mailto one; empty where the mail has none.
    """

    about: str = ""
    stop: str = ""
    stop_at: str = ""

    @property
    def plain(self) -> str:
        """Return the line as plain text."""
        stop = f"{self.stop} {self.stop_at.removeprefix('mailto:')}".strip()
        return f"{self.about} {stop}".strip()


def footer_of(parcel: Parcel, destination: EmailDestination) -> Footer:
    """Return the line of a mail; it is empty where the mail belongs to no schedule, as a trial of a connection."""
    facts = parcel.facts
    if "schedule" not in facts:
        return Footer()
    sentences = [_why(parcel, destination), _shows(facts), _next(facts)]
    stop, stop_at = _stop(parcel, destination)
    return Footer(" ".join(sentence for sentence in sentences if sentence), stop, stop_at)


def _why(parcel: Parcel, destination: EmailDestination) -> str:
    schedule = f"the schedule \u201c{_short(parcel.facts['schedule']['name'])}\u201d"
    owner = _owner(parcel.facts)
    if parcel.is_test:
        return f"This is a test of {schedule}{f', which {owner} owns' if owner else ''}; only you get it."
    # The address of a hidden recipient stands nowhere, since people forward mails.
    is_open = destination.each == "recipient" and parcel.recipient in [*destination.to, *destination.cc]
    reader = _short(parcel.recipient) if is_open else "you"
    if not owner:
        return f"You get this report because {schedule} sends it to {reader}."
    return f"You get this report because {owner} sends it to {reader} by {schedule}."


def _owner(facts: Mapping[str, Any]) -> str:
    owner = facts.get("owner") or {}
    name, address = _short(owner.get("name", "")), owner.get("email", "")
    return f"{name} ({address})" if name and address else name or address


def _shows(facts: Mapping[str, Any]) -> str:
    filters: Mapping[str, Any] = facts.get("filters") or {}
    shown = [f"{_short(label)}: {_short(value)}" for label, value in list(filters.items())[:_MOST_FILTERS]]
    if len(filters) > _MOST_FILTERS:
        shown.append(f"and {len(filters) - _MOST_FILTERS} more")
    if as_of := moment_words(facts.get("data_as_of"), facts.get("timezone")):
        shown.append(f"data as of {as_of}")
    return f"It shows {', '.join(shown)}." if shown else ""


def _next(facts: Mapping[str, Any]) -> str:
    if "next_due_at" not in facts:
        return ""
    coming = moment_words(facts["next_due_at"], facts.get("timezone"))
    return f"The next one comes on {coming}." if coming else "No further one is planned."


def _stop(parcel: Parcel, destination: EmailDestination) -> tuple[str, str]:
    # The address is one reader's own, and a mail for a group has many.
    if parcel.unsubscribe_url and destination.each == "recipient":
        return "To stop it, unsubscribe:", parcel.unsubscribe_url
    if address := (parcel.facts.get("owner") or {}).get("email"):
        return "To stop it, write to", f"mailto:{address}"
    return "", ""


def _short(value: Any) -> str:
    text = clean_line(str(value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\u2026"
