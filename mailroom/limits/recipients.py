"""Decide which mail addresses a user may send to, and how many at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mailroom.errors import Fault, Limited
from mailroom.limits.spec import Limits
from prefect_mailroom.channels.base import Destination


def is_allowed(address: str, domains: Sequence[str]) -> bool:
    """Tell whether mail may go to an address, whose domain is in its IDNA form as every stored one is.

    `example.com` covers that domain alone, `*.example.com` what is below it. No domains at all allow every address.
    """
    domain = address.rpartition("@")[2].lower().rstrip(".")
    return not domains or any(_covers(one, domain) for one in domains)


def _covers(allowed: str, domain: str) -> bool:
    return domain.endswith(allowed[1:]) if allowed.startswith("*.") else domain == allowed


def address_faults(addresses: Iterable[str], limits: Limits, *, field: str) -> list[Fault]:
    """Return a fault for each domain that mail may not go to, at this place of the input."""
    faults = {}
    for address in addresses:
        domain = address.rpartition("@")[2].lower()
        if not is_allowed(address, limits.domains):
            faults[domain] = Fault(
                field,
                f"Mail may not be sent to {domain}.",
                f"Choose an address of: {', '.join(limits.domains[:10])}; or ask {limits.contact}.",
                Limited("recipient_domains", ", ".join(limits.domains), domain, limits.contact),
            )
    return list(faults.values())


def recipient_faults(
    targets: Sequence[Destination], limits: Limits, *, before: Sequence[Destination] = ()
) -> list[Fault]:
    """Return what of a schedule's destinations is beyond the limits.

    Args:
        before: the destinations that the schedule has. It may keep as many recipients as it has, where a limit was
            lowered since; where its mails may go is asked anew.
    """
    faults: list[Fault] = []
    most = max([limits.recipients, *(len(target.addresses()) for target in before)])
    for index, target in enumerate(targets):
        place = f"destinations.{index}"
        addresses = target.addresses()
        if len(addresses) > most:
            faults.append(_too_many("recipients", limits.recipients, len(addresses), place, "This mail", limits))
        faults += address_faults(addresses, limits, field=place)
    count = _count(targets)
    if count > max(limits.schedule_recipients, _count(before)):
        name, limit = "schedule_recipients", limits.schedule_recipients
        faults.append(_too_many(name, limit, count, "destinations", "This schedule", limits))
    return faults


def above_limits(targets: Sequence[Destination], limits: Limits) -> list[Limited]:
    """Return the limits that a stored schedule's destinations are above, with the use of each."""
    found = [fault.limited for fault in recipient_faults(targets, limits)]
    return list({one.name: one for one in found if one is not None}.values())


def _count(targets: Sequence[Destination]) -> int:
    return sum(len(target.addresses()) or len(target.recipients()) for target in targets)


def _too_many(name: str, limit: int, count: int, place: str, what: str, limits: Limits) -> Fault:
    return Fault(
        place,
        f"{what} has {count} recipients, and may have {limit}.",
        f"Use a mailing list for them, or ask {limits.contact} for more.",
        Limited(name, limit, count, limits.contact),
    )
