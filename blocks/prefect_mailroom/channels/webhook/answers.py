"""Translate the answers of an HTTP endpoint: the one place where statuses and httpx's errors become ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from prefect_mailroom import outbound
from prefect_mailroom.errors import ConfigurationError, MailroomError, OutcomeUnknown, Refused, RetryLater

_MAX_ANSWER = 65_536
_LONGEST_WAIT = 24 * 3600
_BUSY = {408, 429, 502, 503, 504}


def raise_for(answer: httpx.Response, host: str) -> None:
    """Raise the outcome that the status stands for, or nothing for 2xx. No answer's text goes into an error."""
    status = answer.status_code
    said = f"'{host}' answered HTTP {status}"
    if answer.is_success:
        return
    if status in (401, 403):
        raise ConfigurationError(f"{said}: it did not accept the login.", remedy="Check auth and auth_secret.")
    if answer.has_redirect_location or 300 <= status < 400:
        raise Refused(
            f"{said}, a redirect. Redirects are not followed.", remedy=("Enter the final address in the connection.")
        )
    if status == 410:
        raise Refused(f"{said}: the endpoint no longer exists.", remedy="Remove this destination.")
    if status in _BUSY or status >= 500:
        raise RetryLater(f"{said}.", not_before=_retry_after(answer.headers.get("retry-after", "")))
    raise Refused(f"{said}.", remedy="Ask whoever runs the endpoint what is wrong with the request.")


def _retry_after(value: str) -> float | None:
    """Return the seconds to wait, from a number or a date; at most a day; None for anything else."""
    if value.strip().isascii() and value.strip().isdigit():
        return float(min(int(value.strip()[:9]), _LONGEST_WAIT))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((aware - datetime.now(UTC)).total_seconds(), 0.0), _LONGEST_WAIT)


async def length(answer: httpx.Response) -> int:
    """Count the bytes of the answer up to 64 KiB and drop them. A break changes nothing: the status has arrived."""
    counted = 0
    with contextlib.suppress(httpx.HTTPError):
        async for chunk in answer.aiter_raw():
            counted += len(chunk)
            if counted > _MAX_ANSWER:
                break
    return counted


@contextlib.contextmanager
def translated(host: str) -> Iterator[None]:
    """Turn what httpx raises into our errors; here and nowhere else."""
    try:
        yield
    except MailroomError:
        raise
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        if outbound.tls_fault(error):
            raise ConfigurationError(
                f"'{host}' has no certificate that can be trusted.",
                remedy="Have its certificate renewed, or correct the host name.",
                field="url",
            ) from None
        raise RetryLater(f"'{host}' cannot be reached.", remedy="Check that the server is running.") from None
    # What httpx says may quote the url, which is secret; its type tells enough.
    except httpx.HTTPError as error:
        raise OutcomeUnknown(f"The connection to '{host}' was lost: {type(error).__name__}.") from None
    except httpx.InvalidURL:
        raise ConfigurationError(f"The url of '{host}' cannot be used.", field="url") from None
