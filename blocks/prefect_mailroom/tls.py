"""Decide what a client of TLS trusts, and tell how long a server's certificate is still good."""

from __future__ import annotations

import functools
import ssl
from datetime import UTC, datetime

from prefect_mailroom.errors import ConfigurationError

SOON_DAYS = 14
"""A certificate that ends within so many days is worth a word."""


@functools.lru_cache(maxsize=32)
def trusting(ca_certificates: str = "") -> ssl.SSLContext:
    """Return the context of an HTTP client. It is made once: reading all authorities takes 20 ms of CPU.

    Args:
        ca_certificates: PEM certificates to trust beside the usual authorities.

    Raises:
        ConfigurationError: they are no certificates.
    """
    import httpx

    context = httpx.create_ssl_context(trust_env=False)
    also_trust(context, ca_certificates)
    return context


def also_trust(context: ssl.SSLContext, ca_certificates: str, field: str = "ca_certificates") -> None:
    """Add PEM certificates to what a context trusts; none where the text is empty.

    Args:
        field: the setting that they stand in.

    Raises:
        ConfigurationError: they are no certificates.
    """
    if not ca_certificates:
        return
    try:
        context.load_verify_locations(cadata=ca_certificates)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigurationError(
            "The CA certificates cannot be read.",
            remedy="Paste certificates in PEM form, with their BEGIN and END lines.",
            field=field,
        ) from error


def days_left(certificate: dict[str, object], now: datetime) -> int:
    """Return for how many whole days a verified certificate is still good.

    Args:
        certificate: as `SSLSocket.getpeercert` returns it.
    """
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    return (ends - now).days


def told_of(link: ssl.SSLObject | ssl.SSLSocket, now: datetime) -> str:
    """Return a sentence about an encrypted connection whose certificate was verified."""
    left = days_left(dict(link.getpeercert() or {}), now)
    soon = " Have it renewed soon." if left < SOON_DAYS else ""
    return f"{link.version()}; the certificate is good for {left} more days.{soon}"
