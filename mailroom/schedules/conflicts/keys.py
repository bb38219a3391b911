"""What two schedules may collide on, as short digests, so that the database finds who shares one by an index. Pure.

A *recipient* key is the report and who gets it. A *file* key is the connection and the path, with everything filled in
that is the same at each run: report, schedule name, format. What the due time decides stays as written, and is compared
by the times of both (`files.py`). A path that holds the execution's id is never written twice and has no key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any, Literal

from prefect_mailroom.channels.base import Destination
from prefect_mailroom.text.variables import PARAMETER_PREFIX

DUE_VARIABLES = frozenset({"date", "due", "time", "window_from", "window_to"})
_OF_THE_REPORT = frozenset({"report_name", "file_name", "window_from", "window_to"})


@dataclass(frozen=True, slots=True)
class Share:
    """What stands behind a key.

    Attributes:
        label: the recipient, or the path as its user wrote it.
        connection: where the file goes; empty for a recipient.
        if_exists: what the destination does with a file that is there; empty for a recipient.
        variables: the variables of the path.
    """

    kind: Literal["recipient", "file"]
    label: str
    connection: str = ""
    if_exists: str = ""
    variables: frozenset[str] = frozenset()


def keys_of(report_id: str, name: str, formats: Sequence[str], targets: Iterable[Destination]) -> dict[str, Share]:
    """The keys of a schedule with these destinations.

    Args:
        name: the schedule's.
    """
    found: dict[str, Share] = {}
    for target in targets:
        path = getattr(target, "path", None)
        if path is None:
            for recipient in target.recipients():
                # A mail reaches the same person by whatever connection it is sent.
                by = [] if target.channel == "email" else [target.connection]
                key = _digest("recipient", report_id, target.channel, *by, recipient.casefold())
                found.setdefault(key, Share("recipient", recipient))
            continue
        variables = frozenset(used for _, used, _, _ in Formatter().parse(path) if used)
        if "execution_id" in variables:
            continue
        share = Share("file", path, target.connection, getattr(target, "if_exists", ""), variables)
        for extension in formats if variables & {"ext", "format", "file_name"} else [""]:
            known = {"report_slug": report_id, "schedule_name": name, "ext": extension, "format": extension}
            of_report = report_id if _depends_on_report(variables) else ""
            by_name = extension if "file_name" in variables else ""
            found.setdefault(
                _digest("file", target.channel, target.connection, of_report, by_name, _filled(path, known)), share
            )
    return found


def _depends_on_report(variables: frozenset[str]) -> bool:
    return bool(variables & _OF_THE_REPORT) or any(used.startswith(PARAMETER_PREFIX) for used in variables)


def _filled(path: str, known: Mapping[str, str]) -> str:
    """The path with what is known, other variables as they stand; channels refuse other spellings of one path."""
    pieces = []
    for literal, used, spec, _ in Formatter().parse(path):
        pieces.append(literal)
        if used:
            pieces.append(known.get(used, f"\0{used}:{spec}\0"))
    return "".join(pieces)


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
