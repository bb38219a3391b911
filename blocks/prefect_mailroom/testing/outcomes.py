"""Check an attempt that must fail, for all suites."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Iterable

from prefect_mailroom.errors import ConfigurationError, DeliveryError, MailroomError


async def failure(awaitable: Awaitable[object]) -> MailroomError:
    """Return the outcome that the attempt raises; fail where it succeeds."""
    try:
        outcome = await awaitable
    except (DeliveryError, ConfigurationError) as error:
        return error
    raise AssertionError(f"It succeeded, and should not have: {outcome!r}")


def everything_about(error: BaseException) -> str:
    """Return all that a log could say about an error, the errors behind it included."""
    return f"{error!r} {''.join(traceback.format_exception(error))}"


def assert_without(secrets: Iterable[str], told: str) -> None:
    """Fail where a secret stands in what was told."""
    assert not [secret for secret in secrets if secret in told], "A secret shows."
