"""Objects in a bucket of Google Cloud Storage appear once and complete, sent by the machine, an account, or a key."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from prefect_mailroom import outbound
from prefect_mailroom.channels.base import Channel, Destination, Parcel, Receipt
from prefect_mailroom.channels.gcs import bucket as buckets
from prefect_mailroom.channels.gcs import key as keys
from prefect_mailroom.channels.gcs.bucket import GOOGLE, Bucket
from prefect_mailroom.channels.gcs.destination import GcsDestination
from prefect_mailroom.channels.objects import deliver as objects
from prefect_mailroom.channels.objects import reach
from prefect_mailroom.channels.objects.links import SignedLink
from prefect_mailroom.channels.objects.store import ObjectStore
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text.filenames import safe_relative_path
from prefect_mailroom.tls import trusting

if TYPE_CHECKING:
    from prefect_gcp.credentials import GcpCredentials

_ENDPOINT = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?")
_QUESTION_SECONDS = 30
"""Wait so long for a list of buckets or a signature."""


class GcsChannel(Channel):
    """Writes report files as objects into a bucket of Google Cloud Storage."""

    _block_type_name = "Mailroom Google Cloud Storage"
    _block_type_slug = "mailroom-gcs"
    _description = "Writes report files into a bucket of Google Cloud Storage."

    kind: ClassVar[str] = "gcs"
    destination_type: ClassVar[type[Destination]] = GcsDestination
    max_bytes: ClassVar[int | None] = 5 * 2**40
    # The key never leaves, and what it signs goes to Google's own hosts alone, whatever bucket or project it is for.
    harmless_fields: ClassVar[frozenset[str]] = frozenset(
        {"bucket", "prefix", "project", "service_account_key", "write_once", "kms_key"}
    )

    bucket: str = Field(
        default="",
        pattern=r"^([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])?$",
        description="The bucket. It may be chosen from a list once the connection can log in and names a project.",
    )
    prefix: str = Field(
        default="",
        max_length=500,
        description="What the names of all objects begin with, such as reports/daily. Nothing is written outside it.",
    )
    project: str = Field(
        default="",
        pattern=r"^[a-z0-9.:-]{0,100}$",
        description="The project whose buckets can be listed; by default the one of the key.",
    )
    endpoint: str = Field(
        default="",
        max_length=300,
        description="The address of the service, if it is not Google's usual one. It has to be a host of Google's, or "
        "one that the operator lists in MAILROOM_GCS_IDENTITY_HOSTS.",
    )
    identity: Literal["machine", "impersonate", "key"] = Field(
        default="machine",
        description="As whom objects are written: as the machine that the worker runs on where its operator allows "
        "that, as a service account that is impersonated, or by the key of one.",
    )
    service_account: str = Field(
        default="",
        max_length=200,
        pattern=r"^([a-zA-Z0-9._-]+@[a-zA-Z0-9.-]+)?$",
        description="The address of the service account to impersonate. For identity key it is read from the key.",
    )
    service_account_key: SecretStr = Field(
        default=SecretStr(""),
        max_length=20_000,
        description="The JSON file of a service account's key. For identity impersonate it is the key of whoever "
        "impersonates; without one there, the machine does.",
    )
    allow_plain: bool = Field(
        default=False,
        description="Use an endpoint that begins with http://. It works only for hosts that the operator lists in "
        "MAILROOM_OUTBOUND_ALLOW.",
    )
    ca_certificates: str = Field(
        default="", max_length=200_000, description="PEM certificates to trust in addition to the usual authorities."
    )
    write_once: bool = Field(
        default=True,
        description="Have the store itself refuse to replace an object that another writer was faster with. Switch it "
        "off for an endpoint that cannot do that; a check tells.",
    )
    kms_key: str = Field(
        default="",
        max_length=500,
        pattern=r"^(projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+)?$",
        description="The key of Cloud KMS that encrypts each object, as "
        "projects/…/locations/…/keyRings/…/cryptoKeys/…; empty for what the bucket does.",
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
    def _endpoint_is_a_host(cls, endpoint: str) -> str:
        endpoint = endpoint.rstrip("/")
        if endpoint and not _ENDPOINT.fullmatch(endpoint):
            raise ValueError("endpoint: write a scheme and a host alone, such as https://storage.googleapis.com")
        return endpoint

    @field_validator("ca_certificates")
    @classmethod
    def _certificates_are_some(cls, certificates: str) -> str:
        if certificates:
            trusting(certificates)
        return certificates

    @field_validator("service_account_key")
    @classmethod
    def _key_is_googles(cls, key: SecretStr) -> SecretStr:
        if key.get_secret_value():
            keys.parse(key.get_secret_value())
        return key

    @model_validator(mode="after")
    def _fits_together(self) -> GcsChannel:
        has_key = bool(self.service_account_key.get_secret_value())
        if self.identity == "key" and not has_key:
            raise ValueError("service_account_key: give the key of a service account, or choose another identity")
        if self.identity == "impersonate" and not self.service_account:
            raise ValueError("service_account: name the service account, or choose another identity")
        if self.identity == "machine" and has_key:
            raise ValueError("service_account_key: identity machine uses no key; choose key, or leave it empty")
        if self.endpoint.startswith("http://") and not self.allow_plain:
            raise ValueError(
                "allow_plain: the endpoint is not encrypted, so anyone on the network path can read the files and the "
                "token; use https://, or set allow_plain if that is acceptable"
            )
        if has_key:
            key = keys.parse(self.service_account_key.get_secret_value())
            # Set past pydantic, which would validate the whole once more, without end.
            self.__dict__["project"] = self.project or key.project
            if self.identity == "key":
                self.__dict__["service_account"] = key.service_account
        return self

    @classmethod
    def from_credentials(cls, credentials: GcpCredentials, **settings: Any) -> GcsChannel:
        """Return a channel that sends as prefect-gcp's block does, by its key or, without one, as the machine.

        Args:
            settings: the channel's own, such as `bucket`.

        Raises:
            ValueError: its key cannot be used.
        """
        info = credentials.service_account_info
        if info is not None:
            key = json.dumps(info.get_secret_value())
        else:
            key = credentials.service_account_file.read_text() if credentials.service_account_file else ""
        given = {"identity": "key" if key else "machine", "service_account_key": key} | settings
        return cls(**{"project": credentials.project or "", **given})

    @classmethod
    def sends_as(cls, settings: Mapping[str, Any]) -> str:
        """Return the service account, or that it is the machine; no secret is in it."""
        return buckets.sends_as(
            str(settings.get("identity") or "machine"),
            str(settings.get("service_account") or ""),
            by_key=bool(settings.get("service_account_key")),
        )

    async def transfer(self, parcel: Parcel) -> Receipt:
        """Write every file under its expanded name; an object of this delivery that is there counts as written."""
        destination = parcel.destination
        assert isinstance(destination, GcsDestination)
        bucket = await self._permitted()
        return await objects.deliver(
            parcel,
            destination,
            functools.partial(_opened, bucket),
            storage_class=destination.storage_class,
            seconds=self.timeout_seconds,
        )

    async def screen(self) -> None:
        """Refuse an endpoint that may never be reached, and an identity that may not be used."""
        bucket = self._bucket(chosen=False)
        with outbound.screening():
            await reach.resolve(*bucket.target, is_plain=bucket.is_plain, seconds=outbound.SCREEN_SECONDS)

    async def choices(self) -> Mapping[str, Sequence[str]]:
        """Return the buckets of the project that the identity may list."""
        from prefect_mailroom.channels.gcs.questions import names

        bucket = await self._permitted(chosen=False)
        return {"bucket": await _answer(functools.partial(names, bucket), bucket.target[0])}

    async def signed_link(self, name: str, *, filename: str, seconds: int) -> SignedLink:
        """Return a link to fetch an object; it ends after seven days at most."""
        from prefect_mailroom.channels.gcs.questions import sign

        bucket = self._bucket()
        work = functools.partial(sign, bucket, name, filename=filename, seconds=seconds)
        link: SignedLink = await _answer(work, bucket.where)
        return link

    async def check(self, steps: Steps) -> str:
        """Connect, log in, write, read and remove a small object, and see whether the store writes objects once."""
        from prefect_mailroom.channels.gcs.check import check

        return await check(self._bucket(), steps)

    async def _permitted(self, *, chosen: bool = True) -> Bucket:
        """Return the bucket, whose endpoint may be reached, without encryption only at a host that is listed."""
        bucket = self._bucket(chosen=chosen)
        await reach.resolve(*bucket.target, is_plain=bucket.is_plain, seconds=self.timeout_seconds / 2)
        return bucket

    def _bucket(self, *, chosen: bool = True) -> Bucket:
        if chosen and not self.bucket:
            raise ConfigurationError("The connection has no bucket.", remedy="Choose or enter one.", field="bucket")
        found = Bucket(
            name=self.bucket,
            prefix=f"{self.prefix}/" if self.prefix else "",
            endpoint=self.endpoint or GOOGLE,
            project=self.project,
            identity=self.identity,
            service_account=self.service_account,
            key=self.service_account_key,
            ca_certificates=self.ca_certificates,
            write_once=self.write_once,
            kms_key=self.kms_key,
            seconds=self.timeout_seconds,
        )
        buckets.permit(found)
        return found


def _opened(bucket: Bucket) -> ObjectStore:
    """Return the store. It runs in the thread of the work, where the client may take its time to load."""
    from prefect_mailroom.channels.gcs.store import GcsStore
    from prefect_mailroom.channels.gcs.wire.login import account

    return GcsStore(account(bucket))


async def _answer(work: Callable[[], Any], where: str) -> Any:
    return await objects.ask(work, abort=lambda: None, where=where, seconds=_QUESTION_SECONDS)
