"""Log in as the machine, as an account that it or a key impersonates, or as a key's own account.

The fields of prefect-gcp's GcpCredentials are read by `GcsChannel.from_credentials`; decision 0028 tells why no more of
it is used.
"""

from __future__ import annotations

import functools
import os
import threading

import google.auth
from google.auth import iam, impersonated_credentials
from google.auth.credentials import Credentials
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from prefect_mailroom.channels.gcs import key as keys
from prefect_mailroom.channels.gcs.bucket import Bucket
from prefect_mailroom.errors import ConfigurationError

_STORAGE = ["https://www.googleapis.com/auth/devstorage.read_write"]
_IAM = ["https://www.googleapis.com/auth/iam"]
"""What impersonating and signing for an account takes."""
_LIFE_SECONDS = 3600


class Account:
    """Send as one connection does. It is kept between attempts, so that a token is not fetched for each of them."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self._lock = threading.Lock()
        self._found: Credentials | None = None

    def credentials(self, request: Request) -> Credentials:
        """Return the credentials, whose tokens renew themselves.

        Args:
            request: asks the metadata server, where this is the machine.

        Raises:
            ConfigurationError: the key cannot be used.
            google.auth.exceptions.GoogleAuthError: there is no identity.
        """
        with self._lock:
            if self._found is None:
                self._found = self._made(request)
            return self._found

    def signer(self, request: Request) -> Credentials:
        """Return credentials that sign: with the key here, or else by Google's IAM in the account's name.

        Raises:
            ConfigurationError: nobody knows the account to sign for.
        """
        if self.bucket.identity == "key":
            return self.credentials(request)
        source = self._base(request, _IAM)
        email = self.bucket.service_account
        if self.bucket.identity == "machine":
            if not source.valid:
                source.refresh(request)  # Until then the account of a machine is called `default`.
            email = str(getattr(source, "service_account_email", "") or "")
        if "@" not in email:
            raise ConfigurationError(
                "The identity of this machine is no service account, so it cannot sign links.",
                remedy="Choose identity impersonate and name a service account, or use a key.",
                field="identity",
            )
        found: Credentials = service_account.Credentials(
            iam.Signer(request, source, email), service_account_email=email, token_uri=""
        )
        return found

    def _made(self, request: Request) -> Credentials:
        if self.bucket.identity != "impersonate":
            return self._base(request, _STORAGE)
        found: Credentials = impersonated_credentials.Credentials(
            source_credentials=self._base(request, _IAM),
            target_principal=self.bucket.service_account,
            target_scopes=_STORAGE,
            lifetime=_LIFE_SECONDS,
        )
        return found

    def _base(self, request: Request, scopes: list[str]) -> Credentials:
        if self.bucket.uses_machine:
            found, _ = google.auth.default(scopes=scopes, request=request)
            return found
        try:
            key = keys.parse(self.bucket.key.get_secret_value())
            made: Credentials = service_account.Credentials.from_service_account_info(key.info, scopes=scopes)
        except ValueError as error:  # Prefect lets a block be loaded that was made invalid elsewhere.
            raise ConfigurationError(
                "The service account's key cannot be used.",
                remedy="Paste the whole JSON file that Google gave you.",
                field="service_account_key",
            ) from error
        return made


@functools.lru_cache(maxsize=32)
def account(bucket: Bucket) -> Account:
    """Return what a connection sends as, the same for the same settings."""
    return Account(bucket)


# A lock that is held while a process forks would never be free again in its child.
os.register_at_fork(after_in_child=account.cache_clear)
