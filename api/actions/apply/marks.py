"""Tell of an object that somebody looks at whether it comes from code."""

from __future__ import annotations

from api.actions.apply.views import CodeMarkView
from api.actions.caller import Caller
from mailroom.as_code import repository
from mailroom.as_code.spec import Kind


async def mark_of(caller: Caller, kind: Kind, entity_id: str) -> CodeMarkView | None:
    """Return what is known of an object that the caller was shown, or None where it does not come from code."""
    async with caller.session() as session:
        found = (await repository.marks_by_entity(session, kind, [entity_id])).get(entity_id)
    return CodeMarkView.model_validate(found) if found else None
