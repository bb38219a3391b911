"""Say what an answer of Azure means: the only place that knows its codes.

They are those of https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import AzureError, DecodeError, HttpResponseError

from prefect_mailroom.channels.azure.container import Container
from prefect_mailroom.channels.objects import faults as words
from prefect_mailroom.channels.objects.store import AlreadyThere, Lost
from prefect_mailroom.errors import ConfigurationError, MailroomError, Refused, RetryLater

_NO_CONTAINER = {"ContainerNotFound", "ContainerDisabled", "ResourceNotFound", "InvalidUri"}
_BAD_CREDENTIAL = {"AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"}
_THERE = {"BlobAlreadyExists", "ConditionNotMet", "TargetConditionNotMet", "UnauthorizedBlobOverwrite"}
_LEASED = {"LeaseIdMissing", "LeaseAlreadyPresent", "LeaseLost", "LeaseIsBreakingAndCannotBeAcquired"}
_TIERS = {"InvalidBlobTier", "BlobTierInadequateForContentLength", "AccessTierNotSupportedForBlobType"}
_KEPT = {"BlobImmutableDueToPolicy", "BlobOperationNotSupported", "InvalidBlobType", "SnapshotsPresent"}
_FIELDS = {"key": "account_key", "sas": "sas_token", "principal": "client_secret", "managed": "identity"}


@contextmanager
def translated(container: Container, what: str, name: str = "") -> Iterator[None]:
    """Raise our own error, or `Lost`, or `AlreadyThere`, for whatever the client raises in the block.

    What the client raised is not kept behind it: its text may hold the address with the signature of a SAS token.

    Args:
        what: what was asked for, such as "write".
        name: the blob's, as people know it.
    """
    problem: Exception | None = None
    try:
        yield
    except AzureError as error:
        problem = meaning(error, container, what, name)
    if problem is not None:
        raise problem from None


def code_of(error: HttpResponseError) -> str:
    """Return Azure's code for an answer, or an empty text where it has none."""
    code = getattr(error, "error_code", None)
    headers = getattr(error.response, "headers", None) or {}
    return str(getattr(code, "value", code) or headers.get("x-ms-error-code") or "")


def behind(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it wraps, wherever a library keeps them: each of the five does it otherwise."""
    seen: set[int] = set()
    left: list[object] = [error]
    while left:
        found = left.pop(0)
        if isinstance(found, BaseException) and id(found) not in seen:
            seen.add(id(found))
            yield found
            kept = (getattr(found, name, None) for name in ("inner_exception", "error", "reason"))
            left += [*kept, *found.args, found.__cause__, found.__context__]


def ours(error: BaseException) -> MailroomError | None:
    """Return the error of our own guard behind one of the client's, or None."""
    return next((found for found in behind(error) if isinstance(found, MailroomError)), None)


def is_untrusted(error: BaseException) -> bool:
    """Tell whether a certificate that is not trusted stands behind an error."""
    return any(isinstance(found, ssl.SSLCertVerificationError) for found in behind(error))


def meaning(error: AzureError, container: Container, what: str, name: str = "") -> Exception:
    """Return what an error of the client means."""
    if (known := ours(error)) is not None:
        return known
    if isinstance(error, HttpResponseError) and error.status_code is not None and not isinstance(error, DecodeError):
        return _answered(error, error.status_code, container, f"{what} '{name}'" if name else what)
    if is_untrusted(error):
        return words.untrusted(container.target[0])
    if isinstance(error, DecodeError):
        return _no_azure(container)
    return Lost(type(error).__name__)


def _answered(error: HttpResponseError, status: int, container: Container, what: str) -> Exception:  # noqa: C901, PLR0911, PLR0912 - A table of answers: one line each.
    code, where, me = code_of(error), container.where, container.named_as()
    if code in _THERE:
        return AlreadyThere()
    if code in _LEASED:
        return _leased(where, what)
    if code == "ContainerBeingDeleted":
        return RetryLater(f"{where} is being deleted.", remedy="Wait until it is there again, or use another.")
    if code in _NO_CONTAINER or (status == 404 and not code):
        return words.no_bucket(where, field="container")
    if code in _BAD_CREDENTIAL or status == 401:
        return words.bad_credential(where, me, _FIELDS[container.identity])
    if code == "KeyBasedAuthenticationNotPermitted":
        return words.no_identity(f"{where} takes no account keys.", "Use an application or a managed identity.")
    if code == "AccountIsDisabled":
        return ConfigurationError(f"The account of {where} is disabled.", remedy="Ask its owner.", field="account")
    if status == 403:
        return _not_permitted(words.not_permitted(where, me, what), code)
    if code in _KEPT:
        return Refused(f"{where} does not let this connection {what}: {code}.", remedy="Choose another path.")
    if code in _TIERS:
        return _setting(f"{where} does not know this access tier for blobs of this size.", "storage_class")
    if "EncryptionScope" in code:
        return _setting(f"{where} does not know the encryption scope, or forbids it.", "encryption_scope")
    if code in ("Md5Mismatch", "Crc64Mismatch"):
        return RetryLater(f"What arrived at {where} is not what was sent.", remedy="The delivery will be tried again.")
    if status == 507 or code in ("InsufficientStorage", "AccountQuotaExceeded"):
        return words.no_space(where, what)
    if status >= 500 or status in (408, 429):
        return words.busy(where, not_before=_seconds(error))
    if status < 400:
        return words.redirects(container.target[0])
    if not code:
        return _no_azure(container)
    return _setting(f"{where} refused to {what}: {code[:80]}.", "container")


def _leased(where: str, what: str) -> RetryLater:
    return RetryLater(
        f"{where} did not {what}: somebody holds a lease on it.",
        remedy="The delivery will be tried again. If the lease never ends, break it, or choose another path.",
        of_recipient=True,
    )


def _not_permitted(error: ConfigurationError, code: str) -> ConfigurationError:
    """Return the error with what may be the reason, where Azure tells more than no."""
    hints = {
        "AuthorizationFailure": "The account's own firewall may also keep this machine out.",
        "AuthorizationSourceIPMismatch": "The SAS token is for other addresses than this machine's.",
        "AuthorizationProtocolMismatch": "The SAS token is for another protocol.",
        "AuthorizationPermissionMismatch": "Tags need a right of their own: the permission t of a SAS token.",
    }
    more = hints.get(code, "")
    return ConfigurationError(error.message, remedy=f"{error.remedy} {more}".strip(), field=error.field)


def _setting(what: str, field: str) -> ConfigurationError:
    return ConfigurationError(what, remedy="Correct the setting.", field=field)


def _no_azure(container: Container) -> ConfigurationError:
    return ConfigurationError(
        f"{container.where} does not answer as Azure Blob Storage does.", remedy="Correct it.", field="endpoint"
    )


def _seconds(error: HttpResponseError) -> float | None:
    told = str((getattr(error.response, "headers", None) or {}).get("Retry-After", ""))
    return float(told) if told.isdigit() else None
