"""Erase an address from what is on record: a pseudonym takes its place, and every count stays as it was.

What happened stays provable: each execution, delivery and attempt keeps its id, state, times and receipt, and the same
address has the same pseudonym everywhere. `NOT_REACHED` says what this cannot change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, delete, exists, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from mailroom.audit import recipient_events as events
from mailroom.audit import repository as audit
from mailroom.context import Context
from mailroom.errors import Conflict
from mailroom.recipients.repository import sends_to
from mailroom.recipients.spec import pseudonym
from mailroom.states import ExecutionState, ScheduleState
from mailroom.storage.database import Database
from mailroom.storage.model.links import Download
from mailroom.storage.model.recipients import ScheduleRecipient
from mailroom.storage.model.upkeep.incidents import Alert, Incident
from mailroom.storage.model.upkeep.tellings import READER_NOTICE, Telling
from mailroom.storage.tables import Attempt, Delivery, Execution, Notification, Schedule
from prefect_mailroom.errors import ConfigurationError

NOT_REACHED = (
    "The audit trail, which is never changed; its retention removes old entries.",
    "The list of suppressions, and who has unsubscribed from what, so that nothing is sent to the address again.",
    "User accounts with this address. PUT /api/v1/users/{id} changes one.",
    "The answers that are kept for repeated requests (Idempotency-Key), until they expire.",
    "Prefect's own logs and database, and the logs of Mailroom's processes.",
    "Mail and files that were sent, and rendered files that hold the address, until they expire.",
    "Backups of the databases.",
)
_BATCH = 500
_DELETED = Schedule.state == ScheduleState.DELETED
_TEXTS: Sequence[tuple[Any, Sequence[InstrumentedAttribute[Any]], ColumnElement[bool]]] = (
    (Delivery, (Delivery.recipient, Delivery.destination, Delivery.receipt, Delivery.error_message), true()),
    (Attempt, (Attempt.error_message,), true()),
    (
        Execution,
        (Execution.reason, Execution.reason_values, Execution.error_message, Execution.test_recipient, Execution.plan),
        true(),
    ),
    (Notification, (Notification.title, Notification.body), true()),
    # What still waits is then told to nobody, see `mailroom.alerts.lifecycle`.
    (Alert, (Alert.target, Alert.error), true()),
    (Incident, (Incident.values,), true()),
    # The others send to nobody of this address; they are their owners' to change.
    (Schedule, (Schedule.name, Schedule.distribution_config, Schedule.sync_error), _DELETED),
)
_GOES_ON = (ExecutionState.PENDING, ExecutionState.RUNNING, ExecutionState.RETRYING)


@dataclass(frozen=True, slots=True)
class Erased:
    """Record an erasure: the pseudonym of the address in lower case, and how many rows of each table were changed."""

    pseudonym: str
    replaced: dict[str, int] = field(default_factory=dict)


async def erase(database: Database, address: str, context: Context) -> Erased:
    """Replace an address by its pseudonym in the ledger, in what was told of it, and in deleted schedules.

    It goes through each table once, some hundred rows a transaction, and can be repeated: what is done stays done.

    Args:
        address: as `recipients.spec.person` returns it.

    Raises:
        ConfigurationError: there is no secret to make the pseudonym with.
        Conflict: a schedule still sends to the address, or an execution is under way to it.
    """
    secret = context.settings.key_pepper.get_secret_value()
    if not secret:
        raise ConfigurationError(
            "An address cannot be erased, since there is no secret to make its pseudonym with.",
            remedy="Set MAILROOM_KEY_PEPPER to a random value of 32 characters or more.",
            field="",
        )
    await database.transact(lambda session: _refuse_in_use(session, address))
    await database.transact(lambda session: _end_undo(session, address, context))
    await database.transact(lambda session: _forget_where(session, address))
    replace = replacer(address, secret)
    replaced = {}
    for table, columns, among in _TEXTS:
        has_it = or_(*(func.lower(cast(column, Text)).contains(address, autoescape=True) for column in columns))
        replaced[table.__tablename__] = await _table(database, table, columns, and_(among, has_it), replace)
    done = Erased(pseudonym(address, secret), replaced)

    async def close(session: AsyncSession) -> None:
        await session.execute(
            update(ScheduleRecipient).where(ScheduleRecipient.address == address).values(address=done.pseudonym)
        )
        audit.record_by(session, events.RecipientErased(done.pseudonym, replaced), context)

    await database.transact(close)
    return done


async def _refuse_in_use(session: AsyncSession, address: str) -> None:
    used = select(Schedule.name).where(sends_to(address), Schedule.state != ScheduleState.DELETED)
    names = list(await session.scalars(used.order_by(Schedule.name).limit(5)))
    if names:
        message = f"Schedules still send to this address: {', '.join(names)}."
        raise Conflict(
            message,
            remedy="Take it off all schedules first: DELETE /api/v1/recipients/{address}.",
            code="address_in_use",
        )
    to_it = exists().where(Delivery.execution_id == Execution.id, func.lower(Delivery.recipient) == address)
    under_way = select(Execution.id).where(
        Execution.status.in_(_GOES_ON), or_(to_it, func.lower(Execution.test_recipient) == address)
    )
    ids = list(await session.scalars(under_way.limit(5)))
    if ids:
        message = f"Executions that send to this address have not ended yet: {', '.join(ids)}."
        raise Conflict(message, remedy="Try again when they have ended.")


async def _end_undo(session: AsyncSession, address: str, context: Context) -> None:
    """Let no deletion of a schedule that sends to the person be undone any more: it would come back as it was."""
    undoable = (_DELETED, Schedule.delete_after.is_not(None), sends_to(address))
    await session.execute(update(Schedule).where(*undoable).values(delete_after=context.now))


async def _forget_where(session: AsyncSession, address: str) -> None:
    """Forget from where the person fetched files, and what the person was told of late reports; what was fetched, and
    when, stays.
    """
    theirs = select(Delivery.id).where(func.lower(Delivery.recipient) == address)
    await session.execute(update(Download).where(Download.delivery_id.in_(theirs)).values(address="", agent=""))
    await session.execute(delete(Telling).where(Telling.kind == READER_NOTICE, Telling.target == address))


async def _table(
    database: Database,
    table: Any,
    columns: Sequence[InstrumentedAttribute[Any]],
    chosen: ColumnElement[bool],
    replace: Callable[[Any], Any],
) -> int:
    """Replace the address in these columns of the rows that are chosen; return how many rows had it."""
    last, changed = "", 0
    while True:

        async def batch(session: AsyncSession, after: str = last) -> tuple[str, int]:
            query = select(table.id, *columns).where(chosen, table.id > after).order_by(table.id).limit(_BATCH)
            rows = (await session.execute(query)).all()
            values = [{"id": row.id, **changes} for row in rows if (changes := _changes(row, columns, replace))]
            if values:
                await session.execute(update(table), values)
            return (rows[-1].id if len(rows) == _BATCH else ""), len(values)

        last, count = await database.transact(batch)
        changed += count
        if not last:
            return changed


def _changes(row: Any, columns: Sequence[InstrumentedAttribute[Any]], replace: Callable[[Any], Any]) -> dict[str, Any]:
    new = {column.key: replace(getattr(row, column.key)) for column in columns}
    return {name: value for name, value in new.items() if value != getattr(row, name)}


def replacer(address: str, secret: str) -> Callable[[Any], Any]:
    """Return a function that replaces the address in a text, and in all texts of JSON, whatever its case. Pure.

    An address that only contains this one, such as one with a longer name, stays.
    """
    exactly = re.compile(
        rf"(?<![A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]){re.escape(address)}(?![A-Za-z0-9-]|\.[A-Za-z0-9])", re.IGNORECASE
    )

    def of_text(text: str) -> str:
        return exactly.sub(lambda found: pseudonym(found.group(), secret), text)

    def of_any(value: Any) -> Any:
        match value:
            case str():
                return of_text(value)
            case list():
                return [of_any(one) for one in value]
            case dict():
                return {of_any(key): of_any(one) for key, one in value.items()}
            case _:
                return value

    return of_any
