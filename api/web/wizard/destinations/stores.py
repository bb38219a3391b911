"""Offer the connections whose stores sign links to files, where a destination may send links. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from api.actions.connections.views import ConnectionView
from api.web.fields.build import FieldGroup
from api.web.parts import Field, Option
from api.web.words import kind_words
from prefect_mailroom.channels.registry import CHANNELS

SETTING = "links_from"
_OWN = Option("", "Mailroom itself", "Links lead to Mailroom, and end when it removes the files.")


def with_stores(group: FieldGroup, connections: Sequence[ConnectionView]) -> FieldGroup:
    """Return the fields of a destination, in which the store of its links is chosen and not typed.

    Args:
        connections: those that the visitor may use.
    """
    known = [one for one in connections if one.kind in CHANNELS and CHANNELS[one.kind].destination_type.keeps_for_links]
    fields = tuple(
        _chosen(one, known) if one.name.endswith(f"-{SETTING}") and one.control == "text" else one
        for one in group.fields
    )
    return replace(group, fields=fields, groups=tuple(with_stores(one, connections) for one in group.groups))


def _chosen(field: Field, known: Sequence[ConnectionView]) -> Field:
    options = [_OWN, *(Option(one.name, f"{one.name} ({kind_words(one.kind)})", one.description) for one in known)]
    if field.value and field.value not in {one.value for one in options}:
        # It stays chosen, so that its fault can be mended.
        options.append(Option(str(field.value), f"{field.value} (not there any more)"))
    is_needed = len(options) > 1 or field.errors
    return replace(field, control="select" if is_needed else "hidden", options=tuple(options), optional=False)
