"""Draw the destinations as cards. Pure: a channel that nobody has thought of gets its card from its JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.actions.connections.views import ConnectionView
from api.web.fields import words
from api.web.fields.build import FieldGroup, build
from api.web.parts import Control, Field, Option
from api.web.wizard.destinations.changes import text_field
from api.web.wizard.destinations.form import FORMATS, OWN, PEOPLE, PREFIX, people_in, schema_of, text_of
from api.web.wizard.destinations.stores import with_stores
from api.web.wizard.destinations.words import wrong_words
from api.web.words import count, kind_icon, kind_words
from mailroom.recipients.pasted import Pasted
from mailroom.reports.spec import Format, ReportDefinition
from prefect_mailroom.channels.registry import CHANNELS, destination
from prefect_mailroom.errors import ConfigurationError

FORMAT_WORDS: Mapping[str, tuple[str, str]] = {
    Format.PDF: ("PDF", "Shows the first rows of a long table, 1,000 by default, and says so."),
    Format.XLSX: ("Excel (XLSX)", "Has all rows."),
    Format.CSV: ("CSV", "All rows of the report's main table, for programs."),
    Format.JSON: ("JSON", "All rows of the report's main table, for programs."),
    Format.PARQUET: ("Parquet", "All rows of the report's main table, for programs."),
    Format.HTML: ("Web page (HTML)", "Shows the first rows of a long table, as a PDF does."),
    Format.PNG: ("Picture (PNG)", "The report as one picture."),
}


@dataclass(frozen=True, slots=True)
class Person:
    """A recipient with a button to remove it: what the button sends."""

    address: str
    drop: str


@dataclass(frozen=True, slots=True)
class People:
    """A list of recipients: its field, what was found in it in words, what is wrong in it, and each of them."""

    field: Field
    words: str
    wrong: str
    persons: tuple[Person, ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class Card:
    """A destination.

    Attributes:
        title: such as "1. E-mail through corp-smtp".
        group: its fields without the lists of recipients, and its further groups.
        may_test: whether it can be sent to one person alone.
        has_texts: the name of the text that a variable is inserted into, such as "subject"; empty where it has none.
    """

    index: int
    channel: str
    title: str
    icon: str
    connection: Field
    people: tuple[People, ...]
    group: FieldGroup
    may_test: bool
    has_texts: str

    @property
    def id(self) -> str:
        """Return the id of the card, which the names of its fields begin with."""
        return f"{PREFIX}-{self.index}"


def formats_field(definition: ReportDefinition, value: Mapping[str, Any], errors: Sequence[str]) -> Field:
    """Return the ticks of the formats; while nobody has chosen, PDF is ticked, or the first one of the report."""
    chosen = value.get("formats")
    if not isinstance(chosen, list):
        chosen = [Format.PDF if Format.PDF in definition.formats else definition.formats[0]]
    options = [Option(one, *FORMAT_WORDS.get(one, (one.upper(), ""))) for one in definition.formats]
    # A format that the report makes no more stays ticked, so that its fault can be mended.
    options += [
        Option(str(one), f"{str(one).upper()}, which this report does not make")
        for one in chosen
        if one not in set(definition.formats)
    ]
    return Field(
        f"{FORMATS}-", "Send as", "checkboxes", tuple(str(one) for one in chosen), tuple(options), errors=tuple(errors)
    )


def cards(
    value: Mapping[str, Any], connections: Sequence[ConnectionView], errors: Mapping[str, Sequence[str]]
) -> tuple[Card, ...]:
    """Return a card for each destination.

    Args:
        value: of the part, as it was entered.
        connections: those that the visitor may use.
        errors: by the names of the fields.
    """
    written = value.get("destinations")
    return tuple(
        _card(index, one if isinstance(one, Mapping) else {}, connections, errors)
        for index, one in enumerate(written if isinstance(written, list) else ())
    )


def _card(
    index: int, given: Mapping[str, Any], connections: Sequence[ConnectionView], errors: Mapping[str, Sequence[str]]
) -> Card:
    channel, prefix = str(given.get("channel", "")), f"{PREFIX}-{index}"
    text = text_field(channel)
    schema, lists = schema_of(channel), people_in(channel, given)
    fields = build(schema, given, prefix=prefix, errors=errors, skip=OWN | lists.keys())
    group = with_stores(fields, connections)
    name = str(given.get("connection") or "")
    return Card(
        index=index,
        channel=channel,
        title=f"{index + 1}. {kind_words(channel)}" + (f" through {name}" if name else ""),
        icon=kind_icon(channel),
        connection=_connection(f"{prefix}-connection", channel, name, connections, errors),
        people=tuple(
            _people(prefix, field, given.get(field), pasted, errors.get(f"{prefix}-{field}", ()))
            for field, pasted in lists.items()
        ),
        group=group,
        may_test=_may_test(channel),
        has_texts=words.label(text, "").lower() if text else "",
    )


def _may_test(channel: str) -> bool:
    """Tell whether a destination of this channel can be sent to one person alone."""
    known = CHANNELS.get(channel)
    if known is None:
        return False
    somebody = "somebody@example.org"
    given = {**known.destination_type.trial_settings(somebody), "channel": channel, "connection": "any"}
    try:
        return destination(given).for_test(somebody) is not None
    except ConfigurationError:
        return True  # It depends on settings that are not there yet; the test itself says what is missing.


def _connection(
    name: str, channel: str, chosen: str, connections: Sequence[ConnectionView], errors: Mapping[str, Sequence[str]]
) -> Field:
    known = [one for one in connections if one.kind == channel]
    options = [Option(one.name, one.name, one.description) for one in known]
    is_gone = chosen not in {one.name for one in known}
    if is_gone:
        options.insert(0, Option(chosen, f"{chosen} (not there any more)" if chosen else "Choose a connection"))
    wrong = tuple(errors.get(name, ()))
    control: Control = "select" if len(options) > 1 or wrong or is_gone else "hidden"
    return Field(name, "Connection", control, chosen, tuple(options), errors=wrong)


def _people(prefix: str, name: str, written: Any, pasted: Pasted, errors: Sequence[str]) -> People:
    label = {"to": "To", "cc": "Cc", "bcc": "Bcc"}[name]
    hint = {
        "to": "One a line, or with commas or semicolons between them. A list from a mail or a table can be pasted.",
        "cc": "They get the same, and everybody sees it.",
        "bcc": "They get the same, and nobody else sees it.",
    }[name]
    text = text_of(written)
    field = Field(
        f"{prefix}-{name}",
        label,
        "textarea",
        text,
        hint=hint,
        errors=tuple(errors),
        optional=name != "to",
        attributes={"spellcheck": "false", "autocomplete": "off", "class": "people"},
    )
    persons = tuple(Person(one, f"{prefix.removeprefix(f'{PREFIX}-')} {name} {one}") for one in pasted.addresses)
    wrong = "" if errors else wrong_words(pasted)
    return People(field, found_words(pasted), wrong, persons, bool(text or errors or name == PEOPLE[0]))


def found_words(pasted: Pasted) -> str:
    """Return what was found in a list, such as "41 recognised, 2 repeated, 1 wrong: line 17"; '' for an empty one."""
    found = [f"{len(pasted.recognised):,} recognised"] if pasted.recognised or pasted.repeated or pasted.wrong else []
    if pasted.repeated:
        found.append(f"{len(pasted.repeated):,} repeated")
    if pasted.wrong:
        lines = list(dict.fromkeys(one.line for one in pasted.wrong))
        numbers = ", ".join(str(one) for one in lines[:10]) + (" …" if len(lines) > 10 else "")
        found.append(f"{len(pasted.wrong):,} wrong: {'line' if len(lines) == 1 else 'lines'} {numbers}")
    return ", ".join(found)


def reach_words(people: Sequence[People]) -> str:
    """Return how many people a destination names, '' where it names none."""
    number = len({one.address for part in people for one in part.persons})
    return count(number, "person", "people") if number else ""
