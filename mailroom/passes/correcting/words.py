"""Say of a correction what it corrects, for those who get it. Pure."""

from __future__ import annotations

from typing import Any

from mailroom.storage.tables import Execution


def correction_facts(execution: Execution) -> dict[str, Any]:
    """Return the facts of a parcel that mark a correction: `corrects` is when the wrong report was due.

    They are none for any other execution. `kind` is `correction` besides, as for every execution.
    """
    if execution.corrects is None:
        return {}
    # A correction is about the due time of what it corrects, so its own is that one.
    facts = {"corrects": execution.due_at.isoformat()}
    return facts | ({"correction_reason": execution.correction_reason} if execution.correction_reason else {})
