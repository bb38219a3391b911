"""Get bearer tokens: as an application of Microsoft Entra, or as the machine, where the operator allows that."""

from __future__ import annotations

import functools
import re
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError
from azure.identity import ClientSecretCredential, CredentialUnavailableError, ManagedIdentityCredential
from pydantic import SecretStr

from prefect_mailroom.channels.azure import container as settings
from prefect_mailroom.channels.azure.container import Container
from prefect_mailroom.channels.azure.wire.faults import is_untrusted, ours
from prefect_mailroom.channels.azure.wire.transport import transport
from prefect_mailroom.channels.objects import faults, guarded
from prefect_mailroom.errors import ConfigurationError, RetryLater

SCOPE = "https://storage.azure.com/.default"
_SECONDS = 20
_CODE = re.compile(r"AADSTS\d+")
_FIELDS = {
    "AADSTS90002": "tenant_id",  # no such tenant
    "AADSTS900023": "tenant_id",  # not the form of a tenant
    "AADSTS700016": "client_id",  # no such application in it
}


class Login:
    """Give tokens to the client of one container; what goes wrong is said in our own words."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a token, which is kept until shortly before its end.

        Raises:
            ConfigurationError: there is none for this identity.
            RetryLater: what gives them out does not answer.
        """
        try:
            found: AccessToken = _credential(self._container).get_token(*scopes, **options)
        except (AzureError, ValueError) as error:
            problem = _meaning(error, self._container)
        else:
            return found
        raise problem from None


def _credential(container: Container) -> Any:
    if container.identity == "managed":
        return _managed(container.client_id)
    return _principal(
        container.tenant_id,
        container.client_id,
        container.client_secret,
        settings.login_host(container),
        container.ca_certificates,
    )


@functools.lru_cache(maxsize=32)
def _managed(client_id: str) -> ManagedIdentityCredential:
    """Return the identity of the machine: the library asks what the operator's environment names, or the machine."""
    return ManagedIdentityCredential(client_id=client_id or None)


@functools.lru_cache(maxsize=32)
def _principal(tenant: str, client: str, secret: SecretStr, login: str, ca_certificates: str) -> ClientSecretCredential:
    """Return an application, whose tokens are asked for through guarded connections."""
    return ClientSecretCredential(
        tenant,
        client,
        secret.get_secret_value(),
        authority=f"https://{login}",
        # It would ask public Azure whether the host that we chose is one of its own.
        disable_instance_discovery=True,
        transport=transport(guarded.Links(), ca_certificates=ca_certificates, connections=1, seconds=_SECONDS),
        retry_total=0,
    )


def forget() -> None:
    """Forget every token that is kept."""
    _managed.cache_clear()
    _principal.cache_clear()


def _meaning(error: Exception, container: Container) -> Exception:
    if (known := ours(error)) is not None:
        return known
    if is_untrusted(error):
        return faults.untrusted(settings.login_host(container))
    me = container.named_as()
    if container.identity == "managed":
        return faults.no_identity(
            f"There is no token for {me} here.",
            "Give the machine a managed identity or a workload identity, and check its client_id; or use another one.",
        )
    code = _CODE.search(str(error))
    if code is not None:
        return ConfigurationError(
            f"Microsoft Entra does not let {me} log in: {code.group()}.",
            remedy="Correct the tenant, the client id and the secret, and look whether the secret has ended.",
            field=_FIELDS.get(code.group(), "client_secret"),
        )
    if isinstance(error, ValueError | CredentialUnavailableError):
        return faults.no_identity(f"There is no login for {me}.", "Correct the tenant and the client id.")
    return RetryLater(f"What gives out the tokens for {me} did not answer as it should.")
