"""Look for everything that is wrong, and keep the incidents in step. Any number of processes may look at once."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mailroom.incidents import lifecycle
from mailroom.incidents.finders.registry import FINDERS, Finder
from mailroom.incidents.spec import IncidentKind, Trouble
from mailroom.settings import Settings
from mailroom.storage.database import Database

_LOG = logging.getLogger(__name__)
EVERY_SECONDS = 10.0
"""The next look begins this long after one has ended."""
LATE_AFTER_SECONDS = 300.0
"""The process is not ready once looks have failed for this long."""
_LONGEST = 30.0
"""A finder may look for this many seconds."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Say what a look found: how many troubles stand, how many incidents opened and ended, which finders failed."""

    troubles: int
    opened: int
    resolved: int
    failed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.opened or self.resolved or self.failed)

    def __str__(self) -> str:
        told = f"{self.troubles} things are wrong, {self.opened} incidents opened, {self.resolved} are over"
        return f"{told}; no answer from {', '.join(self.failed)}" if self.failed else told


async def look(
    database: Database, settings: Settings, *, now: datetime, finders: Sequence[Finder] | None = None
) -> Findings:
    """Look once: ask every finder, then write what has changed in one transaction."""
    troubles: list[Trouble] = []
    failed: list[str] = []
    looked_for: set[IncidentKind] = set()
    unknown: set[IncidentKind] = set()
    for finder in FINDERS if finders is None else finders:
        found = await _ask(finder, database, settings, now)
        if found is None:
            failed.append(finder.name)
            unknown |= finder.kinds
        else:
            troubles += found
            looked_for |= finder.kinds
    changes = await database.transact(
        lambda session: lifecycle.apply(
            session, troubles, looked_for=looked_for - unknown, settings=settings.incidents, now=now
        )
    )
    findings = Findings(len(troubles), len(changes.opens), len(changes.resolves), tuple(failed))
    if findings:
        _LOG.warning("Incidents: %s.", findings)
    return findings


async def _ask(finder: Finder, database: Database, settings: Settings, now: datetime) -> list[Trouble] | None:
    """Return what a finder finds; None where it does not answer, which is told in the log."""
    try:
        async with asyncio.timeout(_LONGEST), database.session() as session:
            found = await finder.find(session, settings, now=now)
        return [_as_stored(one) for one in found]
    except Exception:
        # One that fails must not keep the others from being asked, whatever is wrong with it.
        _LOG.exception("The finder %s did not answer; what it looks for is unknown.", finder.name)
        return None


def _as_stored(trouble: Trouble) -> Trouble:
    """Return a trouble with its values as the database gives them back, so that they can be compared.

    Raises:
        TypeError: a value is nothing that JSON has.
    """
    return replace(trouble, values=json.loads(json.dumps(dict(trouble.values))))
