"""Look whether the reader of a mail was told that it does not come in time: then the mail says that this is it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.exc import SQLAlchemyError

from mailroom.errors import Unavailable
from mailroom.passes.planned.shipment import Shipment
from mailroom.states import ExecutionKind
from mailroom.storage.database import Database
from mailroom.storage.model.upkeep.tellings import READER_NOTICE, Telling, occurrence_key
from mailroom.storage.tables import Delivery
from prefect_mailroom.channels.registry import destination

_LOG = logging.getLogger(__name__)
_IN_TIME = timedelta(minutes=5)
"""Nobody is told so soon after the due time that a report is late."""


async def was_told(database: Database, shipment: Shipment, delivery: Delivery, *, now: datetime) -> bool:
    """Tell whether somebody whom this delivery reaches was told that the report does not come in time.

    It is asked only where the schedule tells its readers and the report may be late. Where the database does not say,
    the mail goes without that line.
    """
    execution = shipment.execution
    at_first_go = execution.kind is ExecutionKind.SCHEDULED and execution.pass_count <= 1
    if shipment.spec.policy.notify_recipients == "none" or (at_first_go and now < execution.due_at + _IN_TIME):
        return False
    people = [one.lower() for one in destination(delivery.destination).reached_by(delivery.recipient)]
    if not people:
        return False
    notice = exists().where(
        Telling.kind == READER_NOTICE,
        Telling.period == occurrence_key(shipment.schedule.id, execution.due_at),
        Telling.target.in_(people),
        Telling.sent_at.is_not(None),
    )
    try:
        async with database.session() as session:
            return bool((await session.execute(select(notice))).scalar_one())
    except (Unavailable, SQLAlchemyError, OSError):
        _LOG.warning("Nobody could say whether the reader of delivery %s was told that it is late.", delivery.id)
        return False
