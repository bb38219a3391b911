"""REST for the people who get reports."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.actions.recipients import actions as recipients
from api.actions.recipients.views import ErasedView, RecipientView, RemovalView
from api.http.dependencies import CallerDep, Cursor, Limit
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action

router = APIRouter(prefix="/recipients", tags=["recipients"], route_class=JsonRoute)
Address = Annotated[str, Path(max_length=320, description="A mail address, in any case.", examples=["ada@example.com"])]
NextCursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of this list in the last answer.")]


@router.get("/{address}", responses=documented(422), openapi_extra=may(Action.RECIPIENT_READ))
async def read(
    address: Address,
    caller: CallerDep,
    schedules_cursor: NextCursor = None,
    deliveries_cursor: NextCursor = None,
    limit: Limit = 50,
) -> RecipientView:
    """Get every schedule that sends to an address and every delivery to it, of those that you may see.

    Each of the two lists is paged by a cursor of its own. An address that nobody knows has empty lists.
    """
    return await recipients.read(
        caller, address, schedules_cursor=schedules_cursor, deliveries_cursor=deliveries_cursor, limit=limit
    )


@router.delete("/{address}", responses=documented(422), openapi_extra=may(Action.RECIPIENT_REMOVE))
async def remove(address: Address, caller: CallerDep, cursor: Cursor = None) -> RemovalView:
    """Take an address off every schedule that you may change. Repeat it with `next_cursor` while there is one.

    Each is an ordinary, audited change of the schedule. A schedule that nobody else would get is paused, and its owner
    is told; a deleted one that nobody else would get can be brought back no more. The answer names what was left
    alone, and why. To keep the address from being added again, suppress it.
    """
    return await recipients.remove(caller, address, cursor=cursor)


@router.post("/{address}/erase", responses=documented(409, 422), openapi_extra=may(Action.RECIPIENT_ERASE))
async def erase(address: Address, caller: CallerDep) -> ErasedView:
    """Put a pseudonym in place of an address in the ledger, in notifications and in deleted schedules.

    Counts, states, times and receipts stay. Refused while a schedule sends to the address. The answer says what this
    cannot reach. It can be repeated.
    """
    return await recipients.erase(caller, address)
