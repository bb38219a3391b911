"""Look up the host of an endpoint before anything is loaded for it."""

from __future__ import annotations

from prefect_mailroom import outbound
from prefect_mailroom.channels.objects import faults


async def resolve(host: str, port: int, *, is_plain: bool, seconds: float) -> list[str]:
    """Return the addresses of a host, all of them permitted.

    Args:
        is_plain: whether it is reached without encryption, which only hosts of the operator's list may be.

    Raises:
        ConfigurationError: no such host, or one that may not be reached, or not in this way.
        RetryLater: the name server did not answer.
    """
    addresses = await outbound.resolve(host, port, timeout=seconds)
    if is_plain and not all(outbound.is_opened(host, address) for address in addresses):
        raise faults.unencrypted(host)
    return addresses
