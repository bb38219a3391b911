"""Objects in a bucket of S3 appear once and complete, sent by a role, the machine, or a key."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from prefect_mailroom import outbound
from prefect_mailroom.channels.alternatives import only_for
from prefect_mailroom.channels.base import Channel, Destination, Parcel, Receipt
from prefect_mailroom.channels.objects import deliver as objects
from prefect_mailroom.channels.objects import reach
from prefect_mailroom.channels.objects.links import SignedLink
from prefect_mailroom.channels.objects.store import ObjectStore
from prefect_mailroom.channels.s3 import bucket as buckets
from prefect_mailroom.channels.s3.bucket import Bucket
from prefect_mailroom.channels.s3.destination import S3Destination
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text.filenames import safe_relative_path
from prefect_mailroom.tls import trusting

_ENDPOINT = re.compile(r"(https?)://([\w.-]+|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?")
_QUESTION_SECONDS = 30
"""Wait so long for a list of buckets or a signature."""


class S3Channel(Channel):
    """Writes report files as objects into a bucket of S3 or of a store that speaks its protocol."""

    _block_type_name = "Mailroom S3"
    _block_type_slug = "mailroom-s3"
    _description = "Writes report files into a bucket of Amazon S3, or of a store that speaks its protocol."

    kind: ClassVar[str] = "s3"
    destination_type: ClassVar[type[Destination]] = S3Destination
    max_bytes: ClassVar[int | None] = 5 * 2**40
    # A request is signed for one host and its secret never leaves, so a bucket decides nothing about it.
    harmless_fields: ClassVar[frozenset[str]] = frozenset(
        {"bucket", "prefix", "secret_access_key", "write_once", "encryption", "kms_key"}
    )
    choosable: ClassVar[frozenset[str]] = frozenset({"bucket"})

    bucket: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9])?$",
        description="The bucket. It may be chosen from a list once the connection can log in.",
    )
    prefix: str = Field(
        default="",
        max_length=500,
        description="What the names of all objects begin with, such as reports/daily. Nothing is written outside it.",
    )
    region: str = Field(
        default="",
        pattern=r"^[a-z0-9-]{0,40}$",
        description="The region of the bucket, such as eu-central-1; by default us-east-1.",
    )
    endpoint: str = Field(
        default="",
        max_length=300,
        description="The address of a store other than AWS, such as https://s3.example.com. Leave it empty for AWS.",
    )
    identity: Literal["role", "machine", "keys"] = Field(
        default="role",
        title="Sends as",
        description="As whom objects are written: by a role that is assumed, as the machine that the worker runs on "
        "where its operator allows that, or by an access key.",
    )
    role_arn: str = Field(
        default="",
        json_schema_extra=only_for(identity=("role",)),
        max_length=600,
        pattern=r"^(arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+)?$",
        description="The role that is assumed, such as arn:aws:iam::123456789012:role/reports.",
    )
    external_id: str = Field(
        default="",
        json_schema_extra=only_for(identity=("role",)),
        max_length=1224,
        pattern=r"^([A-Za-z0-9_+=,.@:/-][A-Za-z0-9_+=,.@:/-]+)?$",
        description="The external ID that the role asks for, if it does.",
    )
    access_key_id: str = Field(
        default="",
        json_schema_extra=only_for(identity=("role", "keys")),
        max_length=128,
        pattern=r"^[A-Za-z0-9_+/=.-]*$",
        description="The ID of the access key. With a role, its holder assumes it; without one, the machine does.",
    )
    secret_access_key: SecretStr = Field(
        default=SecretStr(""),
        json_schema_extra=only_for(identity=("role", "keys")),
        description="The secret of the access key.",
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
        "off for a store that cannot do that; a check tells.",
    )
    encryption: Literal["bucket", "s3", "kms"] = Field(
        default="bucket",
        description="How the store encrypts each object: as the bucket does, with keys of S3 (SSE-S3), or with a key "
        "of the key service (SSE-KMS).",
    )
    kms_key: str = Field(
        default="",
        json_schema_extra=only_for(encryption=("kms",)),
        max_length=2048,
        pattern=r"^[A-Za-z0-9_+=,.@:/-]*$",
        description="The key of the key service; empty for the account's own key for S3.",
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
            raise ValueError("endpoint: write a scheme and a host alone, such as https://s3.example.com")
        return endpoint

    @field_validator("ca_certificates")
    @classmethod
    def _certificates_are_some(cls, certificates: str) -> str:
        if certificates:
            trusting(certificates)
        return certificates

    @model_validator(mode="after")
    def _fits_together(self) -> S3Channel:
        has_secret = bool(self.secret_access_key.get_secret_value())
        if bool(self.access_key_id) != has_secret:
            raise ValueError("secret_access_key: give the ID and the secret of an access key, or neither")
        if self.identity == "keys" and not has_secret:
            raise ValueError("access_key_id: give an access key, or choose a role")
        if self.identity == "role" and not self.role_arn:
            raise ValueError("role_arn: name the role, or choose another identity")
        if self.endpoint.startswith("http://") and not self.allow_plain:
            raise ValueError(
                "allow_plain: the endpoint is not encrypted, so anyone on the network path can read the files; use "
                "https://, or set allow_plain if that is acceptable"
            )
        if self.kms_key and self.encryption != "kms":
            raise ValueError("kms_key: choose the encryption kms to use a key of the key service")
        return self

    @classmethod
    def sends_as(cls, settings: Mapping[str, Any]) -> str:
        """Return the role, the key's ID, or that it is the machine; no secret is in it."""
        told = [str(settings.get(name) or "") for name in ("identity", "access_key_id", "role_arn")]
        return buckets.sends_as(*told)

    async def transfer(self, parcel: Parcel) -> Receipt:
        """Write every file under its expanded name; an object of this delivery that is there counts as written."""
        destination = parcel.destination
        assert isinstance(destination, S3Destination)
        bucket = self._bucket()
        if not bucket.is_aws:
            # Each connection is guarded as well; here a host that is forbidden is told before anything is loaded.
            await reach.resolve(*bucket.target, is_plain=bucket.is_plain, seconds=self.timeout_seconds / 2)
        return await objects.deliver(
            parcel,
            destination,
            functools.partial(_opened, bucket),
            storage_class=destination.storage_class,
            seconds=self.timeout_seconds,
        )

    async def screen(self) -> None:
        """Refuse an endpoint that may never be reached, and the machine's identity where it may not be used."""
        bucket = self._bucket(chosen=False)
        if not bucket.is_aws:
            with outbound.screening():
                await reach.resolve(*bucket.target, is_plain=bucket.is_plain, seconds=outbound.SCREEN_SECONDS)

    async def choices(self) -> Mapping[str, Sequence[str]]:
        """Return the buckets that the identity may list."""
        from prefect_mailroom.channels.s3.questions import names

        bucket = self._bucket(chosen=False)
        work = functools.partial(names, bucket)
        return {"bucket": await _answer(work, bucket.target[0])}

    async def signed_link(self, name: str, *, filename: str, seconds: int) -> SignedLink:
        """Return a link to fetch an object; it ends after seven days at most, and with a role's credentials."""
        from prefect_mailroom.channels.s3.questions import sign

        bucket = self._bucket()
        link: SignedLink = await _answer(
            functools.partial(sign, bucket, name, filename=filename, seconds=seconds), bucket.where
        )
        return link

    async def check(self, steps: Steps) -> str:
        """Connect, log in, write, read and remove a small object, and see whether the store writes objects once."""
        from prefect_mailroom.channels.s3.check import check

        return await check(self._bucket(), steps)

    def _bucket(self, *, chosen: bool = True) -> Bucket:
        if chosen and not self.bucket:
            raise ConfigurationError("The connection has no bucket.", remedy="Choose or enter one.", field="bucket")
        found = Bucket(
            name=self.bucket,
            prefix=f"{self.prefix}/" if self.prefix else "",
            region=self.region,
            endpoint=_ascii(self.endpoint),
            identity=self.identity,
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            role_arn=self.role_arn,
            external_id=self.external_id,
            ca_certificates=self.ca_certificates,
            write_once=self.write_once,
            encryption=self.encryption,
            kms_key=self.kms_key,
            seconds=self.timeout_seconds,
        )
        buckets.permit(found)
        return found


def _ascii(endpoint: str) -> str:
    """Return an endpoint with the name of its host as name servers know it."""
    if not endpoint:
        return ""
    found = _ENDPOINT.fullmatch(endpoint)
    if found is None:  # Prefect lets a block be loaded that was made invalid elsewhere.
        raise ConfigurationError("The endpoint cannot be read.", field="endpoint")
    scheme, host, port = found.groups(default="")
    try:
        return f"{scheme}://{outbound.ascii_host(host)}{port}"
    except ValueError as error:
        raise ConfigurationError(f"'{host}' is not a host name.", field="endpoint") from error


def _opened(bucket: Bucket) -> ObjectStore:
    """Return the store. It runs in the thread of the work, where the client may take its time to load."""
    from prefect_mailroom.channels.s3.store import S3Store
    from prefect_mailroom.channels.s3.wire.client import account

    return S3Store(account(bucket))


async def _answer(work: Callable[[], Any], where: str) -> Any:
    return await objects.ask(work, abort=lambda: None, where=where, seconds=_QUESTION_SECONDS)
