"""Say which settings of a connection are secrets, and refuse a secret that stands in a document. Pure.

A document says of a secret only where it is: `{secret: true}` for the one that is stored, `{from_env: NAME}` for one
that the command line reads from its environment and sends beside the documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

from mailroom.connections.kept_secrets import Place
from mailroom.connections.kinds import block_type
from mailroom.errors import Fault

STORED = {"secret": True}
_REMEDY = (
    "Write {{secret: true}} to keep the stored one, or {{from_env: {name}}} and set that variable where the "
    "command runs."
)


@cache
def patterns(kind: str) -> tuple[str, ...]:
    """Return the dotted places of the secrets of a kind; `*` stands for any one key.

    Raises:
        Invalid: there is no such kind.
    """
    found: Sequence[str] = block_type(kind).model_json_schema().get("secret_fields", [])
    return tuple(found)


def is_secret(kind: str, place: str) -> bool:
    """Tell whether a dotted place within the settings of a kind holds a secret."""
    return any(re.fullmatch(re.escape(one).replace(r"\*", "[^.]+"), place) for one in patterns(kind))


def is_reference(value: Any) -> bool:
    """Tell whether a value stands for a secret without being it."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    return value.get("secret") is True or isinstance(value.get("from_env"), str)


def _leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    if isinstance(value, Mapping) and not is_reference(value):
        for key, below in value.items():
            yield from _leaves(below, (*place, str(key)))
    else:
        yield place, value


def dotted(place: Place) -> str:
    """Return a place as it is written."""
    return ".".join(map(str, place))


def references(settings: Mapping[str, Any]) -> list[Place]:
    """Return the places where a document refers to a secret."""
    return [place for place, value in _leaves(settings) if is_reference(value)]


def inline(kind: str, settings: Mapping[str, Any]) -> list[Fault]:
    """Return a fault for each secret that stands in a document, and for each reference where there is no secret.

    The value is never repeated.
    """
    faults = []
    for place, value in _leaves(settings):
        where, secret = dotted(place), is_secret(kind, dotted(place))
        if secret and not is_reference(value) and value not in (None, "", {}):
            name = re.sub(r"[^A-Z0-9]+", "_", where.upper()).strip("_")
            message = f"'{where}' is a secret, and documents hold none."
            faults.append(Fault(f"spec.settings.{where}", message, _REMEDY.format(name=name), code="inline_secret"))
        elif is_reference(value) and not secret:
            message = f"'{where}' is no secret, so its value belongs in the document."
            faults.append(Fault(f"spec.settings.{where}", message, "Write the value.", code="no_secret"))
    return faults


def put(settings: Mapping[str, Any], values: Mapping[Place, Any]) -> dict[str, Any]:
    """Return settings with other values in these places."""
    copied: dict[str, Any] = deepcopy(dict(settings))
    for place, value in values.items():
        inner: Any = copied
        for part in place[:-1]:
            inner = inner[part]
        inner[place[-1]] = value
    return copied


def as_stored(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with every reference as it is written for a stored secret."""
    return put(settings, dict.fromkeys(references(settings), STORED))
