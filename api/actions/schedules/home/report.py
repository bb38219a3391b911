"""Tell what a bulk action did, in a form that can be kept: its page shows it, and undoing begins from it."""

from __future__ import annotations

from api.actions.caller import Caller
from api.actions.schedules.bulk import BulkAction, BulkItem, BulkOutcome, BulkResult
from api.actions.view import View
from mailroom.errors import NotFound
from mailroom.storage import idempotency


class ReportItem(View):
    """Hold what became of one schedule.

    Attributes:
        why: why it failed, in words; empty where it did not.
    """

    id: str
    name: str
    outcome: BulkOutcome
    why: str = ""
    error_id: str = ""
    owner_before: str | None = None


class BulkReport(View):
    """Hold what a bulk action did to each schedule."""

    action: BulkAction
    items: list[ReportItem]

    def of(self, outcome: BulkOutcome) -> list[ReportItem]:
        """Return what became so."""
        return [one for one in self.items if one.outcome is outcome]


def report_of(result: BulkResult) -> BulkReport:
    """Return what a bulk action did. Pure."""
    return BulkReport(action=result.action, items=[_item(one) for one in result.items])


def _item(item: BulkItem) -> ReportItem:
    why = ""
    if item.error is not None:
        why = f"{item.error.message} {item.error.remedy}".strip()
    return ReportItem(
        id=item.id,
        name=item.name,
        outcome=item.outcome,
        why=why,
        error_id=item.error_id,
        owner_before=item.owner_before,
    )


async def kept_report(caller: Caller, key: str) -> BulkReport:
    """Return what the caller's bulk action with this key did; it is kept for a day.

    Raises:
        NotFound: there is none of this key any more.
    """
    user_id, now = caller.context.user.id, caller.context.now
    async with caller.session() as session:
        body = await idempotency.kept(session, key=key, user_id=user_id, now=now)
    if not isinstance(body, dict) or "items" not in body:
        raise NotFound("What this did is not kept any longer.")
    return BulkReport.model_validate(body)
