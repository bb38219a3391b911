"""Translate the answers of an HTTP endpoint: the one place where statuses and httpx's errors become ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from prefect_mailroom import outbound
from prefect_mailroom.channels.webhook.expectation import Expectation
from prefect_mailroom.errors import ConfigurationError, Gone, MailroomError, OutcomeUnknown, Refused, RetryLater

MAX_ANSWER = 65_536
_LONGEST_WAIT = 24 * 3600
_BUSY = {408, 429, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Content:
    """The content of an answer.

    Attributes:
        data: its first 64 KiB.
        size: how many bytes were read.
        broken: whether the connection was lost before its end.
    """

    data: bytes
    size: int
    broken: bool

    @property
    def whole(self) -> bool:
        """Return whether `data` is all of it."""
        return not self.broken and self.size <= MAX_ANSWER


def raise_for(answer: httpx.Response, host: str, expected: Expectation) -> None:
    """Raise the outcome that the status stands for, or nothing for a yes. No answer's text goes into an error."""
    status = answer.status_code
    said = f"'{host}' answered HTTP {status}"
    if expected.takes(status):
        return
    if status in (401, 403):
        raise ConfigurationError(f"{said}: it did not accept the login.", remedy="Check auth and auth_secret.")
    if answer.has_redirect_location or 300 <= status < 400:
        raise Refused(
            f"{said}, a redirect. Redirects are not followed.", remedy=("Enter the final address in the connection.")
        )
    if status == 410:
        raise Gone(f"{said}: the endpoint no longer exists.", remedy="Remove this destination.")
    if status in _BUSY or status >= 500:
        raise RetryLater(f"{said}.", not_before=_retry_after(answer.headers.get("retry-after", "")))
    if answer.is_success:
        remedy = "Ask whoever runs the endpoint what it means, or correct `expect` of the destination."
        raise Refused(f"{said}, which is not the expected answer.", remedy=remedy)
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


async def content_of(answer: httpx.Response) -> Content:
    """Read an answer up to a little over 64 KiB. It is not unpacked: it was asked for as it is."""
    kept, broken = bytearray(), False
    try:
        async for chunk in answer.aiter_raw():
            kept += chunk
            if len(kept) > MAX_ANSWER:
                break
    except httpx.HTTPError:
        broken = True
    return Content(bytes(kept[:MAX_ANSWER]), len(kept), broken)


def judge(content: Content, host: str, expected: Expectation) -> None:
    """Raise the outcome that the content of an answer stands for, whose status said yes.

    Raises:
        Refused: it says no, or is too long to be read.
        OutcomeUnknown: the connection was lost before it said anything.
    """
    if not expected.reads_the_answer:
        return  # The status has arrived, and is enough.
    if content.broken:
        raise OutcomeUnknown(f"The connection to '{host}' was lost in the middle of its answer.")
    if not content.whole:
        raise Refused(
            f"'{host}' took the request, but its answer is longer than {MAX_ANSWER:,} bytes, so it cannot be checked.",
            remedy="Have the endpoint answer in short, or remove pointer and answer_schema from `expect`.",
        )
    expected.refuse(content.data, host)


def untrusted(host: str) -> ConfigurationError:
    """Return the error of a certificate that cannot be trusted."""
    return ConfigurationError(
        f"'{host}' has no certificate that can be trusted.",
        remedy="Have its certificate renewed, correct the host name, or add its authority to ca_certificates.",
        field="url",
    )


@contextlib.contextmanager
def translated(host: str) -> Iterator[None]:
    """Turn what httpx raises into our errors; here and nowhere else."""
    try:
        yield
    except MailroomError:
        raise
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        if outbound.tls_fault(error):
            raise untrusted(host) from None
        raise RetryLater(f"'{host}' cannot be reached.", remedy="Check that the server is running.") from None
    # What httpx says may quote the url, which is secret; its type tells enough.
    except httpx.HTTPError as error:
        raise OutcomeUnknown(f"The connection to '{host}' was lost: {type(error).__name__}.") from None
    except httpx.InvalidURL:
        raise ConfigurationError(f"The url of '{host}' cannot be used.", field="url") from None
