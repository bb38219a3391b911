"""Answer what is asked about a connection beside deliveries: which buckets there are, and a link to an object."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from prefect_mailroom.channels.objects.guarded import Links
from prefect_mailroom.channels.objects.links import SignedLink
from prefect_mailroom.channels.objects.upload import content_disposition
from prefect_mailroom.channels.s3.bucket import Bucket
from prefect_mailroom.channels.s3.wire.client import Account, account
from prefect_mailroom.channels.s3.wire.faults import code_of, translated
from prefect_mailroom.errors import ConfigurationError, RetryLater
from prefect_mailroom.text.filenames import clean_line

MOST_SECONDS = 7 * 24 * 3600
"""S3 takes no signature that lives longer."""
_ROLE_SECONDS = (43_200, 14_400, 7200)
"""Ask for one of these lives of a role's session, the longest first: STS takes none that is longer than the role's."""
_FRESH = 0.9
"""Sign with a session that has so much of its life left."""
_MOST_BUCKETS = 1000
_SECONDS = 20


def names(bucket: Bucket) -> list[str]:
    """Return the buckets that the identity may list, in the order of their names."""
    client: Any = account(bucket).s3(Links(), seconds=_SECONDS)
    with translated(bucket, "list_buckets", f"the buckets of {bucket.target[0]}"):
        found = client.list_buckets()["Buckets"]
    return sorted(str(one["Name"]) for one in found)[:_MOST_BUCKETS]


def sign(bucket: Bucket, name: str, *, filename: str, seconds: int) -> SignedLink:
    """Return a link to fetch an object. A role may have to be assumed for it, so it may block.

    Raises:
        ConfigurationError, RetryLater: the credentials cannot be had.
    """
    now = datetime.now(UTC)
    with translated(bucket, "get_object", bucket.shown(name)):
        found = _signs(bucket, now)
        until = ends(now, seconds, found.credentials.until(now))
        if until <= now:
            raise RetryLater("The credentials that sign the link are about to end.")
        client: Any = found.s3(Links(), seconds=_SECONDS)
        url = client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": bucket.name,
                "Key": bucket.key(name),
                "ResponseContentDisposition": content_disposition("attachment", filename),
            },
            ExpiresIn=int((until - now).total_seconds()),
        )
    return SignedLink(str(url), until)


def _signs(bucket: Bucket, now: datetime) -> Account:
    """Return what signs links: for a role a session that is as long as the role grants, and has hardly begun.

    Raises:
        ConfigurationError: the role grants none that is longer than an hour.
    """
    if bucket.identity != "role":
        return account(bucket)
    for seconds in _ROLE_SECONDS:
        found = account(bucket, seconds)
        try:
            until = found.credentials.until(now)
            if until is not None and until - now < timedelta(seconds=seconds * _FRESH):
                found.credentials.renew(found.credentials.get_frozen_credentials())
        except ClientError as error:
            if code_of(error) != "ValidationError":
                raise
            continue  # It is longer than this role grants.
        return found
    raise ConfigurationError(
        f"The role {clean_line(bucket.role_arn)[:200]} grants no session that is longer than an hour, and the links "
        "that it signs end with the session.",
        remedy="Raise its maximum session duration to 12 hours, or sign links by an access key. A role that another "
        "role assumes never has more than an hour.",
        field="role_arn",
    )


def ends(now: datetime, seconds: int, credentials_end: datetime | None) -> datetime:
    """Return when a link ends: as asked for, after seven days at most, and never after what signs it."""
    wanted = now + timedelta(seconds=min(seconds, MOST_SECONDS))
    return wanted if credentials_end is None else min(wanted, credentials_end)
