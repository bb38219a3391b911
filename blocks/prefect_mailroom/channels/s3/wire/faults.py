"""Translate what S3 and STS answer, and what botocore raises: the one place where their errors become ours."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from prefect_mailroom import outbound
from prefect_mailroom.channels.objects import faults, guarded
from prefect_mailroom.channels.objects.store import AlreadyThere, Lost
from prefect_mailroom.channels.s3.bucket import Bucket
from prefect_mailroom.errors import ConfigurationError, MailroomError, Refused, RetryLater
from prefect_mailroom.text.filenames import clean_line

ENDED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}
"""The codes by which a store says that temporary credentials have ended."""
_NOT_OURS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId", "AuthFailure",
    "RequestTimeTooSkewed", "InvalidSecurity", "NotSignedUp", "IncompleteSignature", *ENDED}  # fmt: skip
_BUSY = {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling", "ThrottlingException",
    "TooManyRequestsException", "RequestLimitExceeded", "OperationAborted", "BandwidthLimitExceeded"}  # fmt: skip
_BUSY_STATUS = {429, 500, 502, 503, 504}
_WORDS = {"put_object": "write", "get_object": "read", "head_object": "look at", "delete_object": "remove"}
_NO_IDENTITY = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.MetadataRetrievalError,
    boto.ProfileNotFound,
    boto.ConfigNotFound,
)
_LOST = (
    boto.ConnectionClosedError,
    boto.ReadTimeoutError,
    boto.ConnectTimeoutError,
    boto.ResponseStreamingError,
    boto.IncompleteReadError,
    boto.HTTPClientError,
)


def code_of(error: ClientError) -> str:
    """Return the code of an answer: S3's word, or the HTTP status where it has none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """Return the HTTP status of an answer."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextlib.contextmanager
def translated(bucket: Bucket, operation: str, shown: str) -> Iterator[None]:
    """Turn the failure of one request into `Lost`, `AlreadyThere`, FileNotFoundError or an error of ours.

    Args:
        operation: as botocore calls it, such as `put_object`.
        shown: the object or bucket that the request was about, as people know it.
    """
    try:
        yield
    except ClientError as error:
        raise _answered(bucket, error, operation, shown) from error
    except (BotoCoreError, HTTPError) as error:
        raise _raised(bucket, error) from error


def _raised(bucket: Bucket, error: Exception) -> Exception:
    if (ours := guarded.refusal(error)) is not None:
        return ours
    host = clean_line(bucket.target[0])
    if outbound.tls_fault(error) or isinstance(error, boto.SSLError):
        return faults.untrusted(host)
    if isinstance(error, _NO_IDENTITY):
        return faults.no_identity(
            "This machine has no identity of AWS, or it does not answer.",
            "Give it a role (an instance profile, a task role, a service account), or use keys.",
        )
    if isinstance(error, (*_LOST, HTTPError)):
        return Lost(f"'{host}': {type(error).__name__}")
    return ConfigurationError(
        f"The settings of {bucket.where} cannot be used: {type(error).__name__}.",
        remedy="Correct the bucket, the region or the endpoint.",
        field="endpoint" if bucket.endpoint else "bucket",
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    """One answer that is no success, with all that its words need."""

    bucket: Bucket
    operation: str
    shown: str
    not_before: float | None


def _nothing_there(answer: _Answer) -> Exception:
    if answer.operation in ("get_object", "head_object"):
        return FileNotFoundError(answer.shown)
    return faults.no_bucket(answer.bucket.where)  # Nothing else asks for an object that must be there.


def _no_upload(answer: _Answer) -> Exception:
    match answer.operation:
        case "complete_multipart_upload":
            return Lost("the upload is over")  # A try whose answer was lost has completed it, or somebody ended it.
        case "upload_part":
            return RetryLater(f"Somebody ended the upload of '{answer.shown}'.")
    return FileNotFoundError(answer.shown)  # Some stores say so of a list that is empty.


# The first case that has the code of an answer, or its HTTP status, says what it means.
_Case = tuple[set[str], set[int], Callable[[_Answer], Exception]]
_CASES: tuple[_Case, ...] = (
    ({"PreconditionFailed", "ConditionalRequestConflict"}, {412}, lambda answer: AlreadyThere(answer.shown)),
    ({"NoSuchBucket"}, set(), lambda answer: faults.no_bucket(answer.bucket.where)),
    ({"NoSuchUpload"}, set(), _no_upload),
    ({"NoSuchKey", "NoSuchVersion", "404", "NotFound"}, set(), _nothing_there),
    (
        _NOT_OURS,
        set(),
        lambda answer: faults.bad_credential(answer.bucket.where, answer.bucket.named_as(), "secret_access_key"),
    ),
    (
        {"InvalidKMSKey", "KMS.NotFoundException", "KMS.DisabledException", "KMS.InvalidStateException",
         "KMS.AccessDeniedException", "KMS.KMSInvalidStateException"},
        set(),
        lambda answer: _no_kms(answer.bucket),
    ),
    (
        {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "ServiceQuotaExceededException",
         "XMinioAdminBucketQuotaExceeded", "AccountQuotaExceeded"},
        {507},
        lambda answer: faults.no_space(answer.bucket.where, answer.shown),
    ),
    (_BUSY, _BUSY_STATUS, lambda answer: faults.busy(answer.bucket.where, not_before=answer.not_before)),
    (
        {"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "InvalidRegionName",
         "IllegalLocationConstraintException"},
        {301, 307},
        lambda answer: _elsewhere(answer.bucket),
    ),
    (
        {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"},
        set(),
        lambda answer: faults.differs(answer.shown, "checksum", removed=False),
    ),
    ({"NotImplemented"}, {501}, lambda answer: faults.no_preconditions(answer.bucket.where)),
    (
        {"AccessDenied", "AllAccessDisabled", "AccountProblem", "AccessDeniedException", "Forbidden"},
        {401, 403},
        lambda answer: faults.not_permitted(
            answer.bucket.where,
            answer.bucket.named_as(),
            f"{_WORDS.get(answer.operation, 'use')} '{answer.shown}'",
        ),
    ),
)  # fmt: skip


def _answered(bucket: Bucket, error: ClientError, operation: str, shown: str) -> Exception:
    code, status = code_of(error), status_of(error)
    if error.operation_name == "AssumeRole":
        return _no_role(bucket, code, status)
    answer = _Answer(bucket, operation, shown, _not_before(error))
    for codes, statuses, meant in _CASES:
        if code in codes or status in statuses:
            return meant(answer)
    return Refused(
        f"{bucket.where} refuses '{shown}': {clean_line(code)[:60] or status}.",
        remedy="Look this code up in the store's manual, and correct the destination or the connection.",
    )


def _no_kms(bucket: Bucket) -> ConfigurationError:
    return ConfigurationError(
        f"{bucket.where} cannot encrypt with the key '{clean_line(bucket.kms_key)[:200]}'.",
        remedy="Correct the key, and let the identity use it (kms:GenerateDataKey and kms:Decrypt).",
        field="kms_key",
    )


def _elsewhere(bucket: Bucket) -> ConfigurationError:
    return ConfigurationError(
        f"{bucket.where} is not in the region '{bucket.signing_region}'.",
        remedy="Enter the region of the bucket.",
        field="region",
    )


def _no_role(bucket: Bucket, code: str, status: int) -> MailroomError:
    role = clean_line(bucket.role_arn)[:200]
    if code in _NOT_OURS:
        return faults.bad_credential("The service that gives out roles", bucket.named_as(), "secret_access_key")
    if code in _BUSY or status in _BUSY_STATUS:
        return RetryLater("The service that gives out roles is too busy or does not work at the moment.")
    return ConfigurationError(
        f"The role {role} cannot be assumed: {clean_line(code)[:60]}.",
        remedy="Correct the role and its external ID, and let it trust whoever assumes it (sts:AssumeRole).",
        field="role_arn",
    )


def _not_before(error: ClientError) -> float | None:
    headers: dict[str, Any] = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    told = str(headers.get("retry-after", ""))
    return float(told) if told.isascii() and told.isdigit() else None
