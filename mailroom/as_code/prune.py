"""Decide what is deleted since it is in the code no longer. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mailroom.as_code.plan import Key, Mark
from mailroom.as_code.spec import ORDER
from mailroom.errors import Conflict

MOST_NAMED = 20


def to_delete(marks: Sequence[Mark], stay: Collection[Key]) -> list[Mark]:
    """Return the objects of a bundle that have no document any more, each after what refers to it."""
    going = [mark for mark in marks if mark.key not in stay]
    return sorted(going, key=lambda mark: (-ORDER.index(mark.kind), mark.name))


def refuse_too_many(bundle: str, going: Sequence[Mark], count: int, limit: int | None) -> None:
    """Refuse to delete more than `limit`; without one, more than half of a bundle of `count` objects.

    An emptied or mistaken folder would otherwise take everything with it.

    Raises:
        Conflict: nothing is done then.
    """
    if limit is not None and len(going) <= limit:
        return
    if limit is None and len(going) * 2 <= count:
        return
    named = ", ".join(f"{mark.kind} {mark.name}" for mark in going[:MOST_NAMED])
    more = f" and {len(going) - MOST_NAMED} more" if len(going) > MOST_NAMED else ""
    allowed = "at most half of a bundle is" if limit is None else f"at most {limit} may be"
    raise Conflict(
        f"{len(going)} of the {count} objects of the bundle '{bundle}' would be deleted, and {allowed}: {named}{more}. "
        "Nothing was done.",
        remedy=(
            f"Check that the folder and the bundle are the right ones, then allow it with --prune-limit {len(going)} "
            "(`prune_limit`)."
        ),
        code="prune_limit",
    )
