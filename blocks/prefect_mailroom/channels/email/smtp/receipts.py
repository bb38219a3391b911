"""Make the receipt of a mail that a server has taken. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefect_mailroom.channels.base import Grade, Receipt
from prefect_mailroom.channels.email.smtp.errors import queue_id
from prefect_mailroom.channels.email.smtp.providers import PassedOver
from prefect_mailroom.channels.email.smtp.transaction import Taken


def receipt(taken: Taken, passed_over: Sequence[PassedOver], recipient: str, *, message_id: str, size: int) -> Receipt:
    """Return the receipt of a mail: which server took it, for whom, and what it said.

    Args:
        passed_over: the servers that were tried before it.
        recipient: whom the delivery is for, or the name of its group.
        size: the mail's length in bytes.
    """
    identifier = queue_id(taken.reply.said)
    detail: dict[str, Any] = {
        "reply": str(taken.reply),
        "message_id": message_id,
        "server": taken.server.name,
        "recipient": recipient,
        "bytes": size,
    }
    if len(taken.to_each) > 1:
        detail["to_each"] = {address: str(reply) for address, reply in taken.to_each.items()}
        detail["refused"] = [address for address, reply in taken.to_each.items() if reply.code >= 400]
    if passed_over:
        detail["passed_over"] = [{"server": one.server.name, "why": one.error.message} for one in passed_over]
    return Receipt(
        reference=identifier or message_id,
        detail=detail,
        grade=Grade.ACCEPTED_WITH_ID if identifier else Grade.ACCEPTED,
    )
