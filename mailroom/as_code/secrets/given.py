"""Put secrets into the settings of a connection: those that are sent, those that are stored, and none. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prefect.blocks.core import Block

from mailroom.as_code.secrets.places import STORED, dotted, put, references
from mailroom.connections.kept_secrets import secrets_of


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings as REST takes them.

    Attributes:
        missing: the places of secrets that are neither sent nor stored; they are left empty.
        changed: the places of secrets that are sent and differ from the stored ones.
    """

    settings: dict[str, Any]
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return it without the settings, which hold secrets."""
        return f"Resolved(missing={self.missing}, changed={self.changed})"


def resolve(settings: Mapping[str, Any], given: Mapping[str, str], old: Block | None) -> Resolved:
    """Return the settings of a document with a secret, or the mark of a stored one, in each place that refers to one.

    Args:
        given: the secrets that are sent, by dotted place.
        old: the block as it is stored; None where there is none.
    """
    stored = secrets_of(old)
    values: dict[Any, Any] = {}
    missing, changed = [], []
    for place in references(settings):
        where = dotted(place)
        if (sent := given.get(where)) is not None:
            values[place] = sent
            if stored.get(place) != sent and old is not None:
                changed.append(where)
        elif place in stored or any(one[: len(place)] == place for one in stored):
            values[place] = STORED
        else:
            values[place] = ""
            missing.append(where)
    return Resolved(put(settings, values), tuple(missing), tuple(changed))
