"""What is kept of a mail that a server has taken. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefect_mailroom.channels.base import Grade, Receipt
from prefect_mailroom.channels.email.smtp.errors import queue_id
from prefect_mailroom.channels.email.smtp.providers import PassedOver
from prefect_mailroom.channels.email.smtp.transaction import Taken


def receipt(taken: Taken, passed_over: Sequence[PassedOver], message_id: str, size: int) -> Receipt:
    """Return the receipt of a mail: which server took it, for whom, and what it said.

    Args:
        passed_over: the servers that were tried before it.
        size: the mail's length in bytes.
    """
    identifier = queue_id(taken.reply.said)
    detail: dict[str, Any] = {
        "reply": str(taken.reply),
        "message_id": message_id,
        "server": taken.server.name,
        "recipient": taken.accepted[0],
        "bytes": size,
    }
    if len(taken.accepted) + len(taken.refused) > 1:
        del detail["recipient"]
        detail["accepted"] = list(taken.accepted)
        detail["refused"] = {recipient: str(reply) for recipient, reply in taken.refused.items()}
    if passed_over:
        detail["passed_over"] = [{"server": one.server.name, "why": one.error.message} for one in passed_over]
    return Receipt(
        reference=identifier or message_id,
        detail=detail,
        grade=Grade.ACCEPTED_WITH_ID if identifier else Grade.ACCEPTED,
    )
