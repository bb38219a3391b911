"""Ask S3 one thing after the other: what it answers is translated, and a login that has ended is renewed on the way."""

from __future__ import annotations

import io
from typing import Any

from botocore.exceptions import ClientError

from prefect_mailroom.channels.objects.guarded import Links
from prefect_mailroom.channels.s3.wire import faults
from prefect_mailroom.channels.s3.wire.client import Account
from prefect_mailroom.channels.s3.wire.faults import translated

_RENEWALS = 2
"""Renew the credentials so often for one request: a clock that is wrong would let it go on for ever."""


class Requests:
    """The requests of one client to one bucket. Several threads may ask at once."""

    def __init__(self, account: Account, *, seconds: float) -> None:
        """Open nothing yet.

        Args:
            seconds: how long an answer may take.
        """
        self.bucket = account.bucket
        self.links = Links()
        self._credentials = account.credentials
        self._client = account.s3(self.links, seconds=seconds)

    def ask(self, operation: str, shown: str, **given: Any) -> dict[str, Any]:
        """Return the answer to a request about the bucket.

        Args:
            operation: as botocore calls it.
            shown: what the request is about, as people know it.

        Raises:
            Lost, AlreadyThere, FileNotFoundError, MailroomError: see `translated`.
        """
        with translated(self.bucket, operation, shown):
            return self.untranslated(operation, **given)

    def untranslated(self, operation: str, **given: Any) -> dict[str, Any]:
        """Return the answer, or raise botocore's error."""
        for renewals_left in reversed(range(_RENEWALS + 1)):
            signed_with = self._credentials.get_frozen_credentials()
            try:
                answer: dict[str, Any] = getattr(self._client, operation)(Bucket=self.bucket.name, **given)
            except ClientError as error:
                if not (renewals_left and _has_ended(error) and self._credentials.renew(signed_with)):
                    raise
                if isinstance(body := given.get("Body"), io.IOBase):
                    body.seek(0)
            else:
                return answer
        raise AssertionError  # The last round returns or raises.


def _has_ended(error: ClientError) -> bool:
    # An answer to HEAD has no body that could say more.
    return faults.code_of(error) in {*faults.ENDED, "400"}
