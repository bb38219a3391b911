"""Several SMTP servers in order: the next one takes over where one cannot take the mail, and never makes a second copy.

A server may be passed over as long as it is certain that it has not taken the mail: nothing answers, it cannot check
the login at the moment, or it answers 4xx, even to the content. A server that is silent once it has the content may
have the mail, so the outcome stays unknown with that server. What it refuses for good (5xx) is final.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from prefect_mailroom.channels.email.smtp.server import Server
from prefect_mailroom.channels.email.smtp.sessions import SESSIONS
from prefect_mailroom.channels.email.smtp.transaction import Mail, Taken, send
from prefect_mailroom.errors import ConfigurationError, RetryLater
from prefect_mailroom.outbound import NoSuchHost

_LEAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A server that could not take the mail, and why."""

    server: Server
    error: RetryLater | ConfigurationError


async def send_in_order(
    servers: Sequence[Server], mail: Mail, *, seconds: float, sessions: int = SESSIONS
) -> tuple[Taken, list[PassedOver]]:
    """Send a mail through the first server that takes it; return what it said, and the servers before it.

    Args:
        seconds: the time for all servers together. Half of it is for the answer to the content, the other half is
            shared by the servers for all that comes before.

    Raises:
        ConfigurationError, RetryLater, Refused, OutcomeUnknown: see `errors.py`.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    share = seconds / 2 / len(servers)
    passed_over: list[PassedOver] = []
    for server in servers:
        begun_by = min(clock() + share, until)
        if passed_over and begun_by - clock() < min(_LEAST_SECONDS, share):
            break  # The others have used up the time.
        try:
            return await send(server, mail, begun_by=begun_by, until=until, sessions=sessions), passed_over
        except (RetryLater, NoSuchHost) as error:
            passed_over.append(PassedOver(server, error))
        except ConfigurationError as error:
            # Whoever runs the first server must hear of it at once; one in reserve must not keep the mail from waiting.
            if not passed_over:
                raise
            passed_over.append(PassedOver(server, error))
    raise _none_took_it(passed_over)


def _none_took_it(passed_over: Sequence[PassedOver]) -> RetryLater | ConfigurationError:
    """Return the error of all: that of the only server as it is, or one that tells about each."""
    later = [one.error for one in passed_over if isinstance(one.error, RetryLater)]
    if len(passed_over) == 1 or not later:
        return passed_over[0].error
    waits = [error.not_before for error in later if error.not_before is not None]
    return RetryLater(
        "No server could take the mail. " + " ".join(one.error.message for one in passed_over),
        not_before=min(waits, default=None),
        of_recipient=len(later) == len(passed_over) and all(error.of_recipient for error in later),
    )
