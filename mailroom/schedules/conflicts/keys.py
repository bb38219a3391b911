"""Keys of what two schedules may collide on, short digests, so that the database finds a sharer by an index. Pure.

A *recipient* key is the report and who gets it. A *file* key is the connection and the path, with everything filled in
that is the same at each run: report, schedule name, format. Variables of the due time stay as written, and are compared
by the times of both (`files.py`). A path that holds the execution's id is never written twice and has no key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any, Literal

from prefect_mailroom.channels.base import Destination, IfExists, Place
from prefect_mailroom.text.variables import PARAMETER_PREFIX

DUE_VARIABLES = frozenset({"date", "due", "time", "window_from", "window_to"})
_OF_THE_REPORT = frozenset({"report_name", "file_name", "window_from", "window_to"})


@dataclass(frozen=True, slots=True)
class Share:
    """The meaning of a key.

    Attributes:
        label: the recipient, or the path as its user wrote it.
        connection: where the file goes; empty for a recipient.
        if_exists: what the destination does with a file that is there; empty for a recipient.
        variables: the variables of the path.
    """

    kind: Literal["recipient", "file"]
    label: str
    connection: str = ""
    if_exists: IfExists | Literal[""] = ""
    variables: frozenset[str] = frozenset()


def keys_of(report_id: str, name: str, formats: Sequence[str], targets: Iterable[Destination]) -> dict[str, Share]:
    """Return the keys of a schedule with these destinations.

    Args:
        name: the schedule's.
    """
    shares: dict[str, Share] = {}
    for target in targets:
        for reader in target.audience():
            key = _digest("recipient", report_id, target.channel, *reader.identity)
            shares.setdefault(key, Share("recipient", reader.label))
        for place in target.places():
            for key, share in _file_keys(report_id, name, formats, target, place):
                shares.setdefault(key, share)
    return shares


def _file_keys(
    report_id: str, name: str, formats: Sequence[str], target: Destination, place: Place
) -> Iterator[tuple[str, Share]]:
    variables = frozenset(used for _, used, _, _ in Formatter().parse(place.template) if used)
    if "execution_id" in variables:
        return
    share = Share("file", place.template, target.connection, place.if_exists, variables)
    for extension in formats if variables & {"ext", "format", "file_name"} else [""]:
        known = {"report_slug": report_id, "schedule_name": name, "ext": extension, "format": extension}
        of_report = report_id if _depends_on_report(variables) else ""
        by_name = extension if "file_name" in variables else ""
        filled = _filled(place.template, known)
        yield _digest("file", target.channel, target.connection, of_report, by_name, filled), share


def _depends_on_report(variables: frozenset[str]) -> bool:
    return bool(variables & _OF_THE_REPORT) or any(used.startswith(PARAMETER_PREFIX) for used in variables)


def _filled(path: str, known: Mapping[str, str]) -> str:
    """Fill in the values that are known, and leave other variables as they stand.

    Channels refuse other spellings of one path.
    """
    pieces = []
    for literal, used, spec, _ in Formatter().parse(path):
        pieces.append(literal)
        if used:
            pieces.append(known.get(used, f"\0{used}:{spec}\0"))
    return "".join(pieces)


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
