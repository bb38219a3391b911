"""Sign requests by the fields of prefect-aws' AwsCredentials, or by a role that they assume.

prefect-aws makes static credentials of a role, which end after an hour, in the middle of an upload. Here botocore's
own fetcher assumes it again whenever its end comes near, over the session of the same block.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    Credentials,
    DeferredRefreshableCredentials,
    ReadOnlyCredentials,
)
from prefect_aws import AwsCredentials

from prefect_mailroom.channels.objects import faults
from prefect_mailroom.channels.s3.bucket import Bucket

ROLE_SECONDS = 3600
"""Ask for this life of a role's credentials: roles grant it without being told, chained ones no more."""
_UNKNOWN_LIFE = timedelta(minutes=15)
"""Count on this life of temporary credentials whose end nobody tells."""


class Renewable(Credentials):  # type: ignore[misc]  # botocore has no types.
    """Credentials that are made at their first use, and made again when the far side says that they have ended."""

    def __init__(self, make: Callable[[], Any]) -> None:
        """Make nothing yet.

        Args:
            make: returns botocore's credentials.
        """
        super().__init__("", "", method="mailroom")
        self._make = make
        self._lock = threading.Lock()
        self._current: Any = None

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return what a request is signed with now."""
        with self._lock:
            if self._current is None:
                self._current = self._make()
            current = self._current
        return current.get_frozen_credentials()

    def renew(self, refused: ReadOnlyCredentials) -> bool:
        """Drop what the far side calls ended, and tell whether there can be anything newer.

        Args:
            refused: what the request was signed with; another thread may have renewed it since.
        """
        if not refused.token:
            return False
        if self.get_frozen_credentials().token == refused.token:
            with self._lock:
                self._current = None
        return True

    def until(self, now: datetime) -> datetime | None:
        """Return when they end; None for those that stay."""
        frozen = self.get_frozen_credentials()
        if not frozen.token:
            return None
        # botocore tells it in no other way.
        ends: datetime | None = getattr(self._current, "_expiry_time", None)
        return ends or now + _UNKNOWN_LIFE


class Given(CredentialProvider):  # type: ignore[misc]  # botocore has no types.
    """The only provider of a session, so that it looks nowhere else."""

    METHOD = "mailroom"

    def __init__(self, credentials: Renewable) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> Renewable:
        """Return the credentials."""
        return self._credentials


def credentials_of(bucket: Bucket, create_sts: Callable[..., Any], *, role_seconds: int = ROLE_SECONDS) -> Renewable:
    """Return the credentials of a connection.

    Args:
        create_sts: makes a client of STS, as botocore's fetcher calls it.
        role_seconds: the life of a role's credentials.
    """

    def role() -> Any:
        given = {"RoleSessionName": "mailroom", "DurationSeconds": role_seconds}
        if bucket.external_id:
            given["ExternalId"] = bucket.external_id
        fetcher = AssumeRoleCredentialFetcher(create_sts, _base(bucket), bucket.role_arn, extra_args=given)
        return DeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method="assume-role")

    return Renewable(role if bucket.identity == "role" else lambda: _base(bucket))


def _base(bucket: Bucket) -> Any:
    if not bucket.uses_machine:
        block = AwsCredentials(aws_access_key_id=bucket.access_key_id, aws_secret_access_key=bucket.secret_access_key)
        assert block.aws_secret_access_key is not None
        # Not by its session: that would read the profiles of the machine, which have no say here.
        return Credentials(block.aws_access_key_id, block.aws_secret_access_key.get_secret_value())
    found = AwsCredentials(region_name=bucket.signing_region).get_boto3_session().get_credentials()
    if found is None:
        raise faults.no_identity(
            "This machine has no identity of AWS.",
            "Give it a role (an instance profile, a task role, a service account), or use keys.",
        )
    return found
