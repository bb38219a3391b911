"""Blobs in a container of Azure appear once and complete, sent as a managed identity, an application, or by a token."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import Field, SecretStr, field_validator, model_validator

from prefect_mailroom import outbound
from prefect_mailroom.channels.alternatives import only_for
from prefect_mailroom.channels.azure import container as containers
from prefect_mailroom.channels.azure import sas
from prefect_mailroom.channels.azure.container import Container, Identity
from prefect_mailroom.channels.azure.destination import AzureDestination
from prefect_mailroom.channels.base import Channel, Destination, Parcel, Receipt
from prefect_mailroom.channels.objects import deliver as objects
from prefect_mailroom.channels.objects import reach
from prefect_mailroom.channels.objects.links import SignedLink
from prefect_mailroom.channels.objects.store import ObjectStore
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text.filenames import safe_relative_path
from prefect_mailroom.tls import trusting

_ENDPOINT = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?(/[a-z0-9]{3,24})?")
_QUESTION_SECONDS = 30
"""Wait so long for a list of containers or a signature."""
_SECRETS = {"principal": "client_secret", "sas": "sas_token", "key": "account_key"}


class AzureChannel(Channel):
    """Writes report files as blobs into a container of Azure Blob Storage."""

    _block_type_name = "Mailroom Azure Blob Storage"
    _block_type_slug = "mailroom-azure"
    _description = "Writes report files into a container of Azure Blob Storage."

    kind: ClassVar[str] = "azure"
    destination_type: ClassVar[type[Destination]] = AzureDestination
    # A SAS token travels with each request and a client secret to the account's cloud, so the endpoint decides both.
    harmless_fields: ClassVar[frozenset[str]] = frozenset(
        {"container", "prefix", "client_secret", "sas_token", "account_key", "encryption_scope"}
    )
    choosable: ClassVar[frozenset[str]] = frozenset({"container"})

    account: str = Field(
        pattern=r"^[a-z0-9]{3,24}$", description="The name of the storage account, such as contosoreports."
    )
    container: str = Field(
        default="",
        max_length=63,
        pattern=r"^([a-z0-9](-?[a-z0-9])+)?$",
        description="The container. It may be chosen from a list once the connection can log in.",
    )
    prefix: str = Field(
        default="",
        max_length=500,
        description="What the names of all blobs begin with, such as reports/daily. Nothing is written outside it.",
    )
    endpoint: str = Field(
        default="",
        max_length=300,
        description="The address of the account, where it is not https://ACCOUNT.blob.core.windows.net: in another "
        "cloud of Azure, in a zone of its own, or at an emulator.",
    )
    identity: Identity = Field(
        default="principal",
        title="Sends as",
        description="As whom blobs are written: as the managed identity of the machine that the worker runs on where "
        "its operator allows that, as an application of Microsoft Entra (a service principal), by a SAS token, or by "
        "the account's key, which can do everything.",
    )
    tenant_id: str = Field(
        default="",
        json_schema_extra=only_for(identity=("principal",)),
        max_length=200,
        pattern=r"^[A-Za-z0-9.-]*$",
        description="The tenant (directory) of the application, as its id or domain.",
    )
    client_id: str = Field(
        default="",
        json_schema_extra=only_for(identity=("managed", "principal")),
        max_length=100,
        pattern=r"^[A-Za-z0-9-]*$",
        description="The client id of the application. With a managed identity: which one, if the machine has several.",
    )
    client_secret: SecretStr = Field(
        default=SecretStr(""),
        json_schema_extra=only_for(identity=("principal",)),
        description="The client secret of the application.",
    )
    sas_token: SecretStr = Field(
        default=SecretStr(""),
        json_schema_extra=only_for(identity=("sas",)),
        description="A SAS token for the container or the account, which permits to read, write and delete.",
    )
    account_key: SecretStr = Field(
        default=SecretStr(""),
        json_schema_extra=only_for(identity=("key",)),
        description="One of the two keys of the account.",
    )
    encryption_scope: str = Field(
        default="",
        max_length=63,
        pattern=r"^[A-Za-z0-9-]*$",
        description="The encryption scope of the blobs; empty for the container's own.",
    )
    allow_plain: bool = Field(
        default=False,
        description="Use an endpoint that begins with http://. It works only for hosts that the operator lists in "
        "MAILROOM_OUTBOUND_ALLOW.",
    )
    ca_certificates: str = Field(
        default="", max_length=200_000, description="PEM certificates to trust in addition to the usual authorities."
    )
    timeout_seconds: float = Field(
        default=600, gt=0, le=3600, description="How many seconds one attempt may take before it is given up."
    )

    @field_validator("prefix")
    @classmethod
    def _prefix_is_a_path(cls, prefix: str) -> str:
        prefix = prefix.strip("/")
        return str(safe_relative_path(prefix, field="prefix")) if prefix else ""

    @field_validator("endpoint")
    @classmethod
    def _endpoint_is_an_account(cls, endpoint: str) -> str:
        endpoint = endpoint.rstrip("/")
        if endpoint and not _ENDPOINT.fullmatch(endpoint):
            # What stands behind a question mark may be a SAS token, which would not be kept as a secret here.
            raise ValueError(
                "endpoint: write a scheme and a host, such as https://contoso.blob.core.usgovcloudapi.net, and no token"
            )
        return endpoint

    @field_validator("sas_token")
    @classmethod
    def _sas_token_can_be_read(cls, token: SecretStr) -> SecretStr:
        if token.get_secret_value():
            try:
                sas.read(token.get_secret_value())
            except ValueError as error:
                raise ValueError(f"sas_token: {error}") from None
        return token

    @field_validator("ca_certificates")
    @classmethod
    def _certificates_are_some(cls, certificates: str) -> str:
        if certificates:
            trusting(certificates)
        return certificates

    @model_validator(mode="after")
    def _fits_together(self) -> AzureChannel:
        wanted = _SECRETS.get(self.identity)
        if wanted and not getattr(self, wanted).get_secret_value():
            raise ValueError(f"{wanted}: the identity {self.identity} needs it")
        if self.identity == "principal" and not (self.tenant_id and self.client_id):
            raise ValueError("client_id: an application needs its tenant and its client id")
        if self.endpoint.startswith("http://") and not self.allow_plain:
            raise ValueError(
                "allow_plain: the endpoint is not encrypted, so anyone on the network path can read the files; use "
                "https://, or set allow_plain if that is acceptable"
            )
        return self

    @classmethod
    def from_prefect_azure(cls, credentials: Any, **settings: Any) -> AzureChannel:
        """Return a connection with the credentials of an `AzureBlobStorageCredentials` block of prefect-azure.

        Args:
            credentials: the block; one that has neither a connection string nor a client secret sends as the machine.
            settings: the other fields, such as `container`.

        Raises:
            ConfigurationError: its connection string has neither a key nor a SAS token.
        """
        from prefect_mailroom.channels.azure.prefect_block import fields_of

        return cls(**{**fields_of(credentials), **settings})

    @classmethod
    def sends_as(cls, settings: Mapping[str, Any]) -> str:
        """Return the application, the account whose token or key it is, or that it is the machine; without a secret."""
        kind, account, tenant, client = (
            str(settings.get(name) or "") for name in ("identity", "account", "tenant_id", "client_id")
        )
        return containers.sends_as(kind, account=account, tenant=tenant, client=client)

    async def transfer(self, parcel: Parcel) -> Receipt:
        """Write every file under its expanded name; a blob of this delivery that is there counts as written."""
        destination = parcel.destination
        assert isinstance(destination, AzureDestination)
        container = self._container()
        # Each connection is guarded as well; here a host that is forbidden is told before anything is loaded.
        await reach.resolve(*container.target, is_plain=container.is_plain, seconds=self.timeout_seconds / 2)
        return await objects.deliver(
            parcel,
            destination,
            functools.partial(_opened, container),
            storage_class=destination.storage_class,
            seconds=self.timeout_seconds,
        )

    async def screen(self) -> None:
        """Refuse an endpoint that may never be reached, and an identity that may not be used, or not there."""
        container = self._container(chosen=False)
        with outbound.screening():
            await reach.resolve(*container.target, is_plain=container.is_plain, seconds=outbound.SCREEN_SECONDS)

    async def choices(self) -> Mapping[str, Sequence[str]]:
        """Return the containers that the identity may list."""
        from prefect_mailroom.channels.azure.questions import names

        container = self._container(chosen=False)
        return {"container": await _answer(functools.partial(names, container), container.url)}

    async def signed_link(self, name: str, *, filename: str, seconds: int) -> SignedLink:
        """Return a link to fetch a blob; a managed identity or an application signs for seven days at most."""
        from prefect_mailroom.channels.azure.questions import sign

        container = self._container()
        work = functools.partial(sign, container, name, filename=filename, seconds=seconds, now=datetime.now(UTC))
        link: SignedLink = await _answer(work, container.where)
        return link

    def credentials_end(self) -> datetime | None:
        """Return when the SAS token ends; None where a policy of the container decides it, or there is no token."""
        if self.identity != "sas":
            return None
        try:
            return sas.read(self.sas_token.get_secret_value()).ends
        except ValueError:
            return None  # The check and each delivery say what is wrong with it.

    async def check(self, steps: Steps) -> str:
        """Connect, log in, write, read and remove a small blob, and see whether the store writes blobs once."""
        from prefect_mailroom.channels.azure.check import check

        return await check(self._container(), steps)

    def _container(self, *, chosen: bool = True) -> Container:
        if chosen and not self.container:
            raise ConfigurationError("The connection has no container.", remedy="Choose one.", field="container")
        if self.identity == "sas":
            try:
                token = sas.read(self.sas_token.get_secret_value())
            except ValueError as error:  # Prefect lets a block be loaded that was made invalid elsewhere.
                raise ConfigurationError(f"The SAS token cannot be used: {error}.", field="sas_token") from None
            sas.refuse_out_of_time(token, datetime.now(UTC))
        found = Container(
            account=self.account,
            name=self.container,
            prefix=f"{self.prefix}/" if self.prefix else "",
            endpoint=self.endpoint,
            identity=self.identity,
            tenant_id=self.tenant_id,
            client_id=self.client_id,
            client_secret=self.client_secret,
            sas_token=self.sas_token,
            account_key=self.account_key,
            encryption_scope=self.encryption_scope,
            ca_certificates=self.ca_certificates,
            seconds=self.timeout_seconds,
        )
        containers.permit(found)
        return found


def _opened(container: Container) -> ObjectStore:
    """Return the store. It runs in the thread of the work, where the client may take its time to load."""
    from prefect_mailroom.channels.azure.store import AzureStore

    return AzureStore(container)


async def _answer(work: Callable[[], Any], where: str) -> Any:
    return await objects.ask(work, abort=lambda: None, where=where, seconds=_QUESTION_SECONDS)
