"""Change the destinations of a step by a button: add one, remove one, drop a recipient, insert a variable. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.web.wizard.destinations.form import PEOPLE, PREFIX
from mailroom.recipients.pasted import sort_out
from mailroom.reports.spec import ReportDefinition
from prefect_mailroom.channels.registry import CHANNELS, destination
from prefect_mailroom.errors import ConfigurationError

Value = Mapping[str, Any]


def destinations_in(value: Value) -> list[dict[str, Any]]:
    """Return the destinations of a part."""
    written = value.get("destinations")
    return [dict(one) if isinstance(one, Mapping) else {} for one in written] if isinstance(written, list) else []


def with_one_more(value: Value, channel: str, connection: str, definition: ReportDefinition | None) -> dict[str, Any]:
    """Return the part with a destination of this channel, as its fields have it by default."""
    formats = value.get("formats")
    if not isinstance(formats, list):
        there = definition.formats if definition else []
        formats = ["pdf"] if "pdf" in there else [str(one) for one in there[:1]]
    new = {"channel": channel, "connection": connection}
    return {**value, "formats": formats, "destinations": [*destinations_in(value), new]}


def without_one(value: Value, index: int) -> dict[str, Any]:
    """Return the part without one of its destinations."""
    left = [one for at, one in enumerate(destinations_in(value)) if at != index]
    return {**value, "destinations": left}


def without_person(value: Value, dropped: str) -> tuple[dict[str, Any], str]:
    """Return the part without a recipient, and the name of the field that it was in; '' where there is none.

    Args:
        dropped: what the button sends: the number of the destination, the name of the list, and the address.
    """
    number, _, rest = dropped.partition(" ")
    name, _, address = rest.partition(" ")
    found = destinations_in(value)
    if not number.isascii() or not number.isdigit() or int(number) >= len(found) or name not in PEOPLE:
        return dict(value), ""
    own = found[int(number)]
    own[name] = _without(own.get(name), address)
    return {**value, "destinations": found}, f"{PREFIX}-{number}-{name}"


def _without(written: Any, address: str) -> Any:
    """Return a list of recipients without one; of a text, the lines without it stay as they were typed."""
    if isinstance(written, list):
        return [one for one in written if one != address]
    lines = [_line_without(line, address) for line in str(written or "").split("\n")]
    return "\n".join(line for line in lines if line is not None)


def _line_without(line: str, address: str) -> str | None:
    """Return a line without an address; None where nothing else stands on it."""
    found = sort_out(line)
    if address not in found.addresses:
        return line
    rest = [*(one for one in found.addresses if one != address), *(one.text for one in found.wrong)]
    return ", ".join(rest) or None


def with_variable(value: Value, inserted: str) -> tuple[dict[str, Any], str]:
    """Return the part with a variable at the end of a destination's first text, and the name of that field.

    Args:
        inserted: what the button sends: the number of the destination, and the variable as it is written.
    """
    number, _, written = inserted.partition(" ")
    found = destinations_in(value)
    if not number.isascii() or not number.isdigit() or int(number) >= len(found):
        return dict(value), ""
    own = found[int(number)]
    name = text_field(str(own.get("channel", "")))
    if not name:
        return dict(value), ""
    text = own.get(name, _default(own, name))
    own[name] = f"{text} {written}" if name != "path" and text and not text.endswith(" ") else f"{text}{written}"
    return {**value, "destinations": found}, f"{PREFIX}-{number}-{name}"


def text_field(channel: str) -> str:
    """Return the setting of a channel that a variable is inserted into: its first template; '' where it has none."""
    known = CHANNELS.get(channel)
    if known is None:
        return ""
    somebody = known.destination_type.trial_settings("somebody@example.org")
    try:
        target = destination({**somebody, "channel": channel, "connection": "any"})
    except ConfigurationError:
        return ""
    return next(iter(target.templates()), "")


def _default(own: Mapping[str, Any], name: str) -> str:
    fields = CHANNELS[str(own["channel"])].destination_type.model_fields
    default = fields[name].default
    return default if isinstance(default, str) else ""
