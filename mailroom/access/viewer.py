"""Define the viewer: every read that shows users their objects is made for one.

Each noun has one function `visible_to(viewer)` in its repository, which returns the SQL condition of the rows that the
viewer may see; every list and every look-up for users applies it. As long as there is one owner, it is always true.

What Mailroom reads for its own work is not read for a user. Such code says so in one of two ways: it passes `SYSTEM`
where it uses a read that users share, or it calls a function without a viewer, which is internal: `find` and `by_ids`
of schedules, `get` of executions, `find` and `named` of calendars, and all that is looked up by ids of rows that the
viewer was shown already (names, counts, deliveries, attempts, files). Nothing in `api` may call an internal look-up by
an id that came from outside; a test of the house holds that.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Viewer:
    """The one who looks: a user, the user's roles, and the ids of the user's teams."""

    user_id: str
    roles: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()


SYSTEM = Viewer("mailroom", roles=frozenset({"system"}))
"""Mailroom itself, and the operator's own commands on the machine: they see everything."""
