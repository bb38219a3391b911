"""Ask again, when a run sends, whether mail may go where the schedule says."""

from __future__ import annotations

from mailroom.executions.reasons import Reason, ReasonCode, because
from mailroom.limits.decide import limits_for
from mailroom.limits.recipients import is_allowed
from mailroom.settings import Settings
from mailroom.storage.tables import Delivery, User
from prefect_mailroom.channels.registry import destination


def why_not_to(delivery: Delivery, owner: User, settings: Settings) -> Reason | None:
    """Return why nothing may be sent to this recipient by its owner's limits now, or None. Pure."""
    reason = why_not_to_address(delivery.recipient, owner, settings)
    # What is no mail address, such as a folder, has no domain.
    if reason is None or delivery.recipient not in destination(delivery.destination).addresses():
        return None
    return reason


def why_not_to_address(address: str, owner: User, settings: Settings) -> Reason | None:
    """Return why nothing may be sent to this mail address by its owner's limits now, or None. Pure."""
    domains = limits_for(owner, settings).domains
    if not domains or is_allowed(address, domains):
        return None
    return because(ReasonCode.RECIPIENT_NOT_ALLOWED, recipient=address)
