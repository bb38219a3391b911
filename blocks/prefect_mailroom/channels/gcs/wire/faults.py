"""Translate what Google's servers answer, and what its client raises: the one place where they become ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import requests
from google.api_core.exceptions import GoogleAPICallError, RetryError, from_http_response
from google.auth import exceptions as auth
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from urllib3.exceptions import HTTPError

from prefect_mailroom import outbound
from prefect_mailroom.channels.gcs.bucket import Bucket
from prefect_mailroom.channels.objects import faults, guarded
from prefect_mailroom.channels.objects.store import AlreadyThere, Lost
from prefect_mailroom.errors import ConfigurationError, MailroomError, Refused, RetryLater
from prefect_mailroom.text.filenames import clean_line

BUSY = {408, 429, 500, 502, 503, 504}
_RATES = {"rateLimitExceeded", "userRateLimitExceeded"}
"""Google says 403 for some rates, with one of these reasons."""
_FULL = {"quotaExceeded", "storageQuotaExceeded"}
_LONGEST_WAIT = 24 * 3600


@contextlib.contextmanager
def translated(bucket: Bucket, verb: str, shown: str) -> Iterator[None]:
    """Turn the failure of one request into `Lost`, `AlreadyThere`, FileNotFoundError or an error of ours.

    Args:
        verb: what was asked, such as "write".
        shown: the object or bucket that the request was about, as people know it.
    """
    try:
        yield
    except DataCorruption as error:
        raise faults.differs(shown, "checksum", removed=True) from error
    except InvalidResponse as error:
        raise answered(bucket, error.response, verb, shown) from error
    except (GoogleAPICallError, RetryError, auth.GoogleAuthError, requests.RequestException, HTTPError) as error:
        raise _raised(bucket, error, verb, shown) from error


def _raised(bucket: Bucket, error: BaseException, verb: str, shown: str) -> Exception:
    while isinstance(error, RetryError) and error.cause is not None:
        error = error.cause
    if (ours := guarded.refusal(error)) is not None:
        return ours
    if outbound.tls_fault(error):
        return faults.untrusted(clean_line(bucket.target[0]))
    if isinstance(error, InvalidResponse):
        return answered(bucket, error.response, verb, shown)
    if isinstance(error, GoogleAPICallError):
        return answered(bucket, error.response, verb, shown) if error.response is not None else Lost(_name(error))
    if isinstance(error, auth.GoogleAuthError):
        return _no_token(bucket, error)
    if isinstance(error, requests.TooManyRedirects):
        return faults.redirects(bucket.target[0])
    return Lost(f"'{clean_line(bucket.target[0])}': {_name(error)}")


def _no_token(bucket: Bucket, error: auth.GoogleAuthError) -> MailroomError:
    """Return the error for a token that cannot be had: nothing was sent to the store."""
    if isinstance(error, auth.DefaultCredentialsError):
        return faults.no_identity(
            "This machine has no identity of Google's.",
            "Give it a service account or workload identity, impersonate one by a key, or use a key.",
        )
    if isinstance(error, auth.TransportError) or error.retryable:
        return RetryLater("The server that gives out Google's tokens or signatures does not answer, or says no.")
    if bucket.identity == "impersonate":
        return faults.no_identity(
            f"{bucket.named_as()} cannot be: Google gives out no token for it.",
            "Give whoever impersonates it the role Service Account Token Creator on this account.",
        )
    return faults.bad_credential("Google", bucket.named_as(), _field(bucket))


def answered(bucket: Bucket, response: Any, verb: str, shown: str) -> Exception:
    """Return the error for an answer of the store."""
    status, reason = int(response.status_code), _reason(response)
    if status == 412:
        return AlreadyThere(shown)
    if status == 404:
        return FileNotFoundError(shown) if verb == "read" else faults.no_bucket(bucket.where)
    if status in BUSY or reason in _RATES:
        return faults.busy(bucket.where, not_before=retry_after(response))
    if reason in _FULL or status == 507:
        return faults.no_space(bucket.where, shown)
    if verb == "write" and (of_content := _of_content(bucket, response, shown)) is not None:
        return of_content
    if status in (401, 403):
        return _not_let_in(bucket, status, verb, shown)
    return Refused(
        f"{bucket.where} refuses '{shown}': {clean_line(reason)[:60] or status}.",
        remedy="Look this reason up in Google's manual, and correct the destination or the connection.",
    )


def _not_let_in(bucket: Bucket, status: int, verb: str, shown: str) -> MailroomError:
    if status == 403:
        return faults.not_permitted(bucket.where, bucket.named_as(), f"{verb} '{shown}'")
    return faults.bad_credential(bucket.where, bucket.named_as(), _field(bucket))


def _of_content(bucket: Bucket, response: Any, shown: str) -> MailroomError | None:
    """Return the error for content that the store cannot encrypt, or that was changed on its way; else None."""
    said = str(from_http_response(response).message).lower()
    if bucket.kms_key and response.status_code in (400, 403) and "kms" in said:
        return ConfigurationError(
            f"{bucket.where} cannot encrypt with the key '{clean_line(bucket.kms_key)[:200]}'.",
            remedy="Correct the key, and give the storage service agent of the project the role CryptoKey "
            "Encrypter/Decrypter on it.",
            field="kms_key",
        )
    if response.status_code == 400 and ("crc32c" in said or "hash" in said):
        return faults.differs(shown, "checksum", removed=False)
    return None


def _field(bucket: Bucket) -> str:
    return "identity" if bucket.uses_machine else "service_account_key"


def retry_after(response: Any) -> float | None:
    """Return the seconds that an answer asks to wait, at most a day; None where it names none."""
    told = str(response.headers.get("retry-after", "")).strip()
    return float(min(int(told[:9]), _LONGEST_WAIT)) if told.isascii() and told.isdigit() else None


def _reason(response: Any) -> str:
    """Return Google's word for what is wrong; empty where the answer has none."""
    errors = from_http_response(response).errors
    first = errors[0] if errors else None
    return str(first.get("reason", "")) if isinstance(first, dict) else ""


def _name(error: BaseException) -> str:
    return type(error).__name__
