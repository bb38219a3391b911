"""Read the formats and destinations that a form has entered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.web.fields.read import data
from mailroom.recipients.pasted import Pasted, sort_out
from prefect_mailroom.channels.registry import CHANNELS

FORMATS, PREFIX = "formats", "destinations"
OWN = frozenset({"channel", "connection"})
"""The settings of a destination that are chosen when it is added."""
PEOPLE = ("to", "cc", "bcc")
"""The settings that are lists of mail addresses, in the order in which a repeated address counts."""


def schema_of(channel: Any) -> Mapping[str, Any]:
    """Return the JSON Schema of a channel's destinations; an empty one for a channel that this Mailroom has not."""
    known = CHANNELS.get(channel) if isinstance(channel, str) else None
    return known.destination_type.model_json_schema() if known else {}


def read(sent: Mapping[str, Any], *, as_typed: bool = False) -> dict[str, Any]:
    """Return the part of a draft. A list of recipients with something wrong in it stays a text, as it was typed.

    Args:
        sent: the nested form; the text of a list of recipients is as somebody has typed or pasted it.
        as_typed: whether every list stays a text, to be shown again beside what was found in it.
    """
    formats, written = sent.get(FORMATS), sent.get(PREFIX)
    return {
        "formats": [one for one in formats if one] if isinstance(formats, list) else [],
        "destinations": [_destination(one, as_typed=as_typed) for one in written if isinstance(one, Mapping)]
        if isinstance(written, list)
        else [],
    }


def _destination(sent: Mapping[str, Any], *, as_typed: bool) -> dict[str, Any]:
    channel = sent.get("channel", "")
    schema = schema_of(channel)
    found = {"channel": channel, "connection": sent.get("connection", ""), **data(schema, sent, skip=OWN)}
    for name, pasted in people_in(channel, sent).items():
        found[name] = text_of(sent.get(name)) if pasted.wrong or as_typed else list(pasted.addresses)
    return found


def people_in(channel: Any, given: Mapping[str, Any]) -> dict[str, Pasted]:
    """Return the lists of recipients of a destination, sorted out.

    Args:
        given: the destination as it was sent, or as it is kept, with lists.
    """
    known = schema_of(channel).get("properties", {})
    found: dict[str, Pasted] = {}
    taken: list[str] = []
    for name in PEOPLE:
        if known.get(name, {}).get("type") != "array":
            continue
        found[name] = sort_out(text_of(given.get(name)), taken=taken)
        taken += found[name].addresses
    return found


def text_of(written: Any) -> str:
    """Return a list of recipients as a text area shows it, one a line."""
    if isinstance(written, list):
        return "\n".join(str(one) for one in written)
    return written if isinstance(written, str) else ""
