"""Which error an answer of Azure becomes."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

from prefect_mailroom.channels.azure.container import Container, Identity
from prefect_mailroom.channels.azure.wire.faults import meaning, translated
from prefect_mailroom.channels.objects.store import AlreadyThere, Lost
from prefect_mailroom.errors import ConfigurationError, MailroomError, Refused, RetryLater


class _Response:
    """Type what the client keeps of an answer, as far as it is read here."""

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        self.status_code, self.headers, self.reason = status, headers, "told"

    def text(self) -> str:
        return ""


def answered(status: int, code: str = "", kind: Identity = "key", **headers: str) -> Exception:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    response: Any = _Response(status, {"x-ms-error-code": code, **told} if code else told)
    container = Container("contoso", "reports", identity=kind, tenant_id="t", client_id="c")
    return meaning(HttpResponseError(response=response), container, "write", "a.csv")


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (409, "BlobAlreadyExists", AlreadyThere),
        (412, "ConditionNotMet", AlreadyThere),
        (403, "UnauthorizedBlobOverwrite", AlreadyThere),
        (412, "LeaseIdMissing", RetryLater),
        (409, "ContainerBeingDeleted", RetryLater),
        (404, "ContainerNotFound", ConfigurationError),
        (404, "", ConfigurationError),
        (401, "", ConfigurationError),
        (403, "AuthenticationFailed", ConfigurationError),
        (403, "AuthorizationPermissionMismatch", ConfigurationError),
        (403, "AccountIsDisabled", ConfigurationError),
        (403, "KeyBasedAuthenticationNotPermitted", ConfigurationError),
        (409, "BlobImmutableDueToPolicy", Refused),
        (409, "InvalidBlobType", Refused),
        (400, "Md5Mismatch", RetryLater),
        (400, "InvalidHeaderValue", ConfigurationError),
        (307, "", ConfigurationError),
        (400, "", ConfigurationError),
        (408, "", RetryLater),
        (429, "", RetryLater),
        (500, "InternalError", RetryLater),
        (500, "OperationTimedOut", RetryLater),
        (503, "ServerBusy", RetryLater),
        (507, "InsufficientStorage", RetryLater),
    ],
)
def test_the_table(status: int, code: str, error: type[Exception]) -> None:
    found = answered(status, code)
    assert type(found) is error
    if isinstance(found, RetryLater | Refused | ConfigurationError) and status != 503:
        assert found.remedy or status >= 408


@pytest.mark.parametrize(
    ("kind", "field"), [("key", "account_key"), ("sas", "sas_token"), ("principal", "client_secret")]
)
def test_a_bad_credential_names_its_field(kind: Identity, field: str) -> None:
    found = answered(403, "AuthenticationFailed", kind)
    assert isinstance(found, ConfigurationError)
    assert found.field == field


@pytest.mark.parametrize(
    ("status", "code", "field"),
    [
        (400, "InvalidBlobTier", "storage_class"),
        (409, "EncryptionScopeNotFound", "encryption_scope"),
        (403, "AuthorizationFailure", "identity"),
        (404, "ContainerNotFound", "container"),
    ],
)
def test_a_wrong_setting_is_named(status: int, code: str, field: str) -> None:
    found = answered(status, code)
    assert isinstance(found, ConfigurationError)
    assert found.field == field


@pytest.mark.parametrize(("told", "seconds"), [("30", 30), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("", None)])
def test_when_to_come_back(told: str, seconds: float | None) -> None:
    found = answered(503, "ServerBusy", Retry_After=told)
    assert isinstance(found, RetryLater)
    assert found.not_before == seconds


def test_a_connection_that_ended_is_lost() -> None:
    container = Container("contoso", "reports")
    for error in (ServiceRequestError("no"), ServiceResponseError("no")):
        assert isinstance(meaning(error, container, "write"), Lost)


def test_our_own_error_is_found_behind_theirs() -> None:
    ours = ConfigurationError("The host is not on the public internet.")
    wrapped = ServiceRequestError("no", error=OSError(ours))
    assert meaning(wrapped, Container("contoso", "reports"), "write") is ours


def test_nothing_of_theirs_is_kept_behind_ours() -> None:
    with pytest.raises(Lost) as lost, translated(Container("contoso", "reports"), "write"):
        raise ServiceRequestError("https://contoso.blob.core.windows.net/reports?sig=canary")
    assert lost.value.__cause__ is None
    assert lost.value.__suppress_context__
    assert not isinstance(lost.value, MailroomError)
