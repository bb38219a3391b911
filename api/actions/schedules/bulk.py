"""Do the same to many schedules, each in a transaction of its own, so that one that fails stops no other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, NoParts, Parts, Remember, forget
from api.actions.schedules.filters import ScheduleFilter
from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import AccessRefused
from mailroom.errors import Forbidden, Invalid, NotFound, Unavailable
from mailroom.schedules import repository as stored
from mailroom.schedules import service as schedules
from mailroom.schedules.deletions import undo
from mailroom.schedules.ownership import owners
from mailroom.states import ExecutionKind
from mailroom.storage.database import new_id
from mailroom.storage.tables import Schedule
from prefect_mailroom.errors import MailroomError

_LOG = logging.getLogger(__name__)
MOST = 2000
_PAGE = 200
BulkAction = Literal["pause", "resume", "run", "delete", "undelete", "reassign"]


class BulkRequest(BaseModel):
    """An action on many schedules: name them by `ids`, or choose them by `filter`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: BulkAction
    ids: list[Annotated[str, StringConstraints(min_length=1, max_length=80)]] | None = Field(
        default=None, min_length=1, max_length=MOST, description="Ids of schedules. An id that is repeated counts once."
    )
    filter: ScheduleFilter | None = Field(
        default=None,
        description=(
            "The same filters as for the list of schedules; at least one is needed. They may match at most "
            f"{MOST} schedules."
        ),
    )
    dry_run: bool = Field(default=False, description="Only report what would be done to each schedule; change nothing.")

    to: str | None = Field(
        default=None,
        max_length=240,
        description="For `reassign`: the new owner, by id or by `ext:` and external id. Only an admin may do this.",
    )


class BulkOutcome(StrEnum):
    """The result for one schedule; in a dry run, the result that it would have."""

    DONE = "done"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BulkItem:
    """The result of a bulk action for one schedule.

    Attributes:
        name: empty for a schedule that does not exist.
        execution_id: the execution that `run` asked for.
        owner_before: the owner that `reassign` took it from.
        error: why it failed; None with an `error_id` where nobody expected it, and the log knows it by that id.
    """

    id: str
    name: str
    outcome: BulkOutcome
    execution_id: str | None = None
    owner_before: str | None = None
    error: MailroomError | None = None
    error_id: str = ""


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The result for each schedule, in the order of `ids`, or from the oldest schedule on."""

    action: BulkAction
    dry_run: bool
    items: list[BulkItem]

    def count(self, outcome: BulkOutcome) -> int:
        """Count the schedules with this outcome."""
        return sum(item.outcome is outcome for item in self.items)


class _Undo(Exception):
    """Ends the transaction of a dry run without a trace; `item` is what it would have done."""

    def __init__(self, item: BulkItem) -> None:
        super().__init__()
        self.item = item


async def bulk(
    caller: Caller,
    wanted: BulkRequest,
    remember: Remember[BulkResult] = forget,
    parts: Parts | None = None,
    *,
    everything: bool = False,
) -> BulkResult:
    """Do the action to each schedule, and bring the changes to Prefect.

    Args:
        everything: whether an empty filter is meant: a page has said how many schedules that are.
        parts: remembers which schedules are done, so that a request that broke off goes on when it is repeated.

    Raises:
        Invalid: neither or both of `ids` and `filter` are given, or the filter matches none or too many.
    """
    ids = await _chosen(caller, wanted, everything)
    kept = NoParts() if parts is None or wanted.dry_run else parts
    items: list[BulkItem] = []
    for schedule_id in ids:
        # A dry run leaves nothing behind to be counted, so what would be done before is counted here.
        ahead = sum(one.outcome is BulkOutcome.DONE for one in items) if wanted.dry_run else 0
        items.append(await _item(caller, wanted, schedule_id, kept, ahead))
    result = BulkResult(wanted.action, wanted.dry_run, items)
    await caller.transact(lambda session: remember(session, result))
    if not wanted.dry_run:
        done = [item.id for item in items if item.outcome is BulkOutcome.DONE]
        await asyncio.gather(*(caller.services.reconciler.settle_schedule(one) for one in done))
    return result


async def _chosen(caller: Caller, wanted: BulkRequest, everything: bool) -> Sequence[str]:
    if (wanted.to is None) == (wanted.action == "reassign"):
        raise Invalid.at("to", "`to` is needed for `reassign`, and for no other action.", "Name the new owner in it.")
    if (wanted.ids is None) == (wanted.filter is None):
        raise Invalid.at("ids", "Either `ids` or `filter` is needed, and not both.", "Send one of them.")
    if wanted.ids is not None:
        return list(dict.fromkeys(wanted.ids))
    assert wanted.filter is not None
    if wanted.filter.is_empty() and not everything:
        raise Invalid.at("filter", "An empty filter would match every schedule.", "Send state, report_id or search.")
    found: list[str] = []
    cursor: str | None = None
    async with caller.session() as session:
        while True:
            page = await stored.list_page(
                session,
                cursor=cursor,
                limit=_PAGE,
                sort="created_at",
                viewer=caller.viewer,
                choice=wanted.filter.choice(),
            )
            found += [row.id for row in page.items]
            if len(found) > MOST:
                raise Invalid.at("filter", f"The filter matches more than {MOST} schedules.", "Narrow it, or send ids.")
            cursor = page.next_cursor
            if cursor is None:
                return found


async def _item(caller: Caller, wanted: BulkRequest, schedule_id: str, parts: Parts, ahead: int) -> BulkItem:
    """Do the action to one schedule in a transaction of its own."""
    name = ""

    async def change(session: AsyncSession) -> BulkItem:
        nonlocal name
        if earlier := await parts.take(session, schedule_id):
            outcome, owner = BulkOutcome(earlier["outcome"]), earlier.get("owner_before") or None
            return BulkItem(schedule_id, earlier["name"], outcome, earlier["execution_id"] or None, owner)
        name = (await _seen(session, caller, wanted.action, schedule_id)).name
        item = await _act(session, caller, wanted, schedule_id, ahead)
        if wanted.dry_run:
            raise _Undo(item)
        kept = {"name": item.name, "outcome": str(item.outcome)}
        kept |= {"execution_id": item.execution_id or "", "owner_before": item.owner_before or ""}
        await parts.keep(session, schedule_id, kept)
        return item

    try:
        return await caller.transact(change)
    except _Undo as undone:
        item = undone.item
        return item if item.execution_id is None else BulkItem(item.id, item.name, item.outcome)
    except (SQLAlchemyError, OSError, Unavailable):
        raise  # The database is at fault, not this schedule: the others would fail as well.
    except MailroomError as error:
        if isinstance(error, Forbidden | NotFound):
            await caller.transact(partial(_record_refusal, caller, wanted.action, schedule_id, error))
        return BulkItem(schedule_id, name, BulkOutcome.FAILED, error=error)
    except Exception:
        error_id = new_id()
        _LOG.exception("Bulk %s of schedule %s failed (error %s).", wanted.action, schedule_id, error_id)
        return BulkItem(schedule_id, name, BulkOutcome.FAILED, error_id=error_id)


async def _seen(session: AsyncSession, caller: Caller, action: BulkAction, schedule_id: str) -> Schedule:
    undoable_at = caller.context.now if action == "undelete" else None
    return await stored.get(session, schedule_id, viewer=caller.viewer, undoable_at=undoable_at)


async def _record_refusal(
    caller: Caller, action: BulkAction, schedule_id: str, error: MailroomError, session: AsyncSession
) -> None:
    status = 403 if isinstance(error, Forbidden) else 404
    event = AccessRefused(schedule_id, f"schedule.{action}", status, "POST", "/api/v1/schedules/bulk")
    audit.record_by(session, event, caller.context)


async def _act(session: AsyncSession, caller: Caller, wanted: BulkRequest, schedule_id: str, ahead: int) -> BulkItem:
    context = caller.context
    row = await _seen(session, caller, wanted.action, schedule_id)
    name, before, owner = row.name, row.generation, row.user_id
    match wanted.action:
        case "run":
            kind = ExecutionKind.RUN_NOW
            execution = await schedules.request_execution(session, schedule_id, kind, context, ahead=ahead)
            return BulkItem(schedule_id, name, BulkOutcome.DONE, execution.id)
        case "pause":
            row = await schedules.pause(session, schedule_id, context)
        case "resume":
            row = await schedules.resume(session, schedule_id, context)
        case "delete":
            row = await schedules.delete(session, schedule_id, context)
        case "undelete":
            row = await undo.undelete(session, schedule_id, context)
        case "reassign":
            assert wanted.to is not None, "checked before anything else"
            row = await owners.reassign(session, schedule_id, wanted.to, context, ahead=ahead)
    done = row.generation != before
    gone = owner if done and row.user_id != owner else None
    return BulkItem(schedule_id, name, BulkOutcome.DONE if done else BulkOutcome.UNCHANGED, owner_before=gone)
