"""The bucket that a connection leads to, and as whom, without any vendor's client. Pure."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import SecretStr

from prefect_mailroom.channels.objects import faults, identity
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text.filenames import clean_line

STS_VARIABLE = "MAILROOM_S3_STS_ENDPOINT"
"""The operator's: the address that gives out the credentials of roles, in place of AWS' own of the region."""
HOSTS_VARIABLE = "MAILROOM_S3_IDENTITY_HOSTS"
"""The operator's: the hosts of other endpoints that may be asked in the name of this machine, separated by blanks."""

_MOST_BYTES_OF_KEY = 1024


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket, and how it is reached.

    Attributes:
        prefix: what all names begin with; empty, or with a slash at its end.
        endpoint: the address of a store other than AWS; empty for AWS itself.
        identity: `machine`, `role` or `keys`.
        seconds: the time of one attempt.
    """

    name: str
    prefix: str = ""
    region: str = ""
    endpoint: str = ""
    identity: str = "keys"
    access_key_id: str = ""
    secret_access_key: SecretStr = field(default_factory=lambda: SecretStr(""))
    role_arn: str = ""
    external_id: str = ""
    ca_certificates: str = ""
    write_once: bool = True
    encryption: str = "bucket"
    kms_key: str = ""
    seconds: float = 600

    @property
    def is_aws(self) -> bool:
        """Tell whether it is a bucket of AWS itself."""
        return not self.endpoint

    @property
    def where(self) -> str:
        """Return the bucket as people know it."""
        return clean_line(f"s3://{self.name}")

    @property
    def signing_region(self) -> str:
        """Return the region that requests are signed for."""
        return self.region or "us-east-1"

    @property
    def target(self) -> tuple[str, int]:
        """Return host and port."""
        if self.is_aws:
            suffix = ".cn" if self.signing_region.startswith("cn-") else ""
            return f"s3.{self.signing_region}.amazonaws.com{suffix}", 443
        parts = urlsplit(self.endpoint)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def is_plain(self) -> bool:
        """Tell whether requests travel without encryption."""
        return self.endpoint.startswith("http://")

    @property
    def verifies_md5(self) -> bool:
        """Tell whether what arrives is verified by its MD5.

        AWS has better checksums. Without TLS the signature of each request covers its content already.
        """
        return not self.is_aws and not self.is_plain

    @property
    def uses_machine(self) -> bool:
        """Tell whether the identity of this machine stands behind it."""
        return self.identity == "machine" or (self.identity == "role" and not self.access_key_id)

    def key(self, name: str) -> str:
        """Return the whole key of an object.

        Raises:
            ConfigurationError: no store takes one that long.
        """
        key = f"{self.prefix}{name}"
        if len(key.encode()) > _MOST_BYTES_OF_KEY:
            raise ConfigurationError(
                f"'{clean_line(key)[:80]}…' is longer than {_MOST_BYTES_OF_KEY} bytes.",
                remedy="Shorten the path of the destination or the prefix of the connection.",
                field="path",
            )
        return key

    def shown(self, name: str) -> str:
        """Return the address of an object as people know it."""
        return clean_line(f"s3://{self.name}/{self.prefix}{name}")

    def named_as(self) -> str:
        """Return as whom requests are sent, without a secret."""
        return sends_as(self.identity, self.access_key_id, self.role_arn)


def sends_as(identity_kind: str, access_key_id: str, role_arn: str) -> str:
    """Return as whom a connection with these settings sends, without a secret."""
    if identity_kind == "machine":
        return "the identity of the machine"
    if identity_kind == "role" and role_arn:
        by = f"the key {access_key_id}" if access_key_id else "the machine"
        return f"{role_arn}, assumed by {by}"
    return f"the key {access_key_id}" if access_key_id else ""


def permit(bucket: Bucket) -> None:
    """Let a connection pass, or refuse one that uses this machine's identity without the operator's permission.

    Raises:
        ConfigurationError: the operator allowed it nowhere, or not for this endpoint.
    """
    if not bucket.uses_machine:
        return
    identity.refuse_unless_allowed()
    host = bucket.target[0]
    if not bucket.is_aws and host not in os.environ.get(HOSTS_VARIABLE, "").replace(",", " ").split():
        raise faults.no_identity(
            f"Nothing is sent to '{clean_line(host)}' in the name of this machine.",
            f"The operator can allow this endpoint with {HOSTS_VARIABLE}; or use keys that it gave you.",
        )


def sts_endpoint() -> str:
    """Return the operator's address for the credentials of roles; empty for AWS' own."""
    return os.environ.get(STS_VARIABLE, "")
