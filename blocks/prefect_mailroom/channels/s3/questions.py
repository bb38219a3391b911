"""Answer what is asked about a connection beside deliveries: which buckets there are, and a link to an object."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from prefect_mailroom.channels.objects.guarded import Links
from prefect_mailroom.channels.objects.links import SignedLink
from prefect_mailroom.channels.objects.upload import content_disposition
from prefect_mailroom.channels.s3.bucket import Bucket
from prefect_mailroom.channels.s3.wire.client import account
from prefect_mailroom.channels.s3.wire.faults import translated
from prefect_mailroom.errors import RetryLater

MOST_SECONDS = 7 * 24 * 3600
"""S3 takes no signature that lives longer."""
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
    found, now = account(bucket), datetime.now(UTC)
    with translated(bucket, "get_object", bucket.shown(name)):
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


def ends(now: datetime, seconds: int, credentials_end: datetime | None) -> datetime:
    """Return when a link ends: as asked for, after seven days at most, and never after what signs it."""
    wanted = now + timedelta(seconds=min(seconds, MOST_SECONDS))
    return wanted if credentials_end is None else min(wanted, credentials_end)
