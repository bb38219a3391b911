"""Answer what is asked about a connection beside deliveries: which buckets there are, and a link to an object."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prefect_mailroom.channels.gcs.bucket import Bucket
from prefect_mailroom.channels.gcs.wire.client import Connected
from prefect_mailroom.channels.gcs.wire.faults import translated
from prefect_mailroom.channels.gcs.wire.login import account
from prefect_mailroom.channels.objects.links import SignedLink
from prefect_mailroom.channels.objects.upload import content_disposition
from prefect_mailroom.errors import ConfigurationError

MOST_SECONDS = 7 * 24 * 3600
"""Google takes no signature that lives longer."""
_MOST_BUCKETS = 1000
_SECONDS = 80
"""A quarter of it is the time of an answer."""


def names(bucket: Bucket) -> list[str]:
    """Return the buckets of the project that the identity may list, in the order of their names.

    Raises:
        ConfigurationError: no project is named, or it may not be listed.
    """
    if not bucket.project:
        raise ConfigurationError(
            "Google lists buckets by project, and the connection names none.",
            remedy="Enter the project, or type the name of the bucket.",
            field="project",
        )
    with translated(bucket, "list", f"the buckets of {bucket.project}"):
        connected = Connected(account(bucket), seconds=_SECONDS)
        try:
            found = connected.client.list_buckets(
                max_results=_MOST_BUCKETS, fields="items(name),nextPageToken", timeout=connected.seconds,
                retry=connected.retry(),
            )  # fmt: skip
            return sorted(str(one.name) for one in found)
        finally:
            connected.cut()


def sign(bucket: Bucket, name: str, *, filename: str, seconds: int) -> SignedLink:
    """Return a link to fetch an object. Without a key Google's IAM is asked to sign it, so it may block.

    Raises:
        ConfigurationError, RetryLater: it cannot be signed.
    """
    lasts = min(seconds, MOST_SECONDS)
    with translated(bucket, "sign a link to", bucket.shown(name)):
        found = account(bucket)
        connected = Connected(found, seconds=_SECONDS)
        try:
            began = datetime.now(UTC)
            url = connected.client.bucket(bucket.name).blob(bucket.full_name(name)).generate_signed_url(
                version="v4",
                expiration=timedelta(seconds=lasts),
                credentials=found.signer(connected.request),
                api_access_endpoint=bucket.endpoint,
                response_disposition=content_disposition("attachment", filename),
            )  # fmt: skip
        finally:
            connected.cut()
    return SignedLink(str(url), began + timedelta(seconds=lasts))
