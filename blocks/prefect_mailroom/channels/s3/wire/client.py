"""Make clients of S3 and STS that take nothing from this machine: no variables, no profiles, no proxies."""

from __future__ import annotations

import functools
import os
import threading
from typing import Any

import botocore.loaders
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES, ConfigValueStore, ConstantProvider
from botocore.credentials import CredentialResolver
from botocore.session import Session

from prefect_mailroom.channels.objects import guarded
from prefect_mailroom.channels.s3.bucket import Bucket, sts_endpoint
from prefect_mailroom.channels.s3.wire.login import ROLE_SECONDS, Given, Renewable, credentials_of
from prefect_mailroom.channels.s3.wire.sender import Sender

CONNECTIONS = 8
"""Send so many parts of a large object at once; each of them is in memory meanwhile."""
_TRIES = 3
"""Let botocore try a request so often; what it cannot mend in seconds is tried again by the schedule of ours."""
_STS_SECONDS = 20
_MOST_SECONDS = 300
_MODELS = botocore.loaders.create_loader()
"""Read the description of S3 once: it takes 15 MB and 70 ms of CPU."""


class Account:
    """Sign as one connection does. It is kept between attempts, so that a role is not assumed for each of them."""

    def __init__(self, bucket: Bucket, role_seconds: int = ROLE_SECONDS) -> None:
        self.bucket = bucket
        self.credentials: Renewable = credentials_of(bucket, self._sts_for_role, role_seconds=role_seconds)
        self._lock = threading.Lock()
        self._session = _isolated(self.credentials)

    def s3(self, links: guarded.Links, *, seconds: float) -> Any:
        """Return a client of S3.

        Args:
            seconds: how long an answer may take.
        """
        bucket = self.bucket
        when = "when_supported" if bucket.is_aws else "when_required"  # Many other stores break on newer checksums.
        return self._client(
            "s3",
            links,
            seconds,
            bucket.endpoint,
            bucket.ca_certificates,
            signature_version="s3v4",
            request_checksum_calculation=when,
            response_checksum_validation=when,
            s3={"addressing_style": "auto" if bucket.is_aws else "path", "us_east_1_regional_endpoint": "regional"},
        )

    def sts(self, links: guarded.Links, **keys: Any) -> Any:
        """Return a client of STS, which is the region's own or the operator's."""
        given = sts_endpoint()
        # On AWS the same authorities are trusted; in front of the operator's endpoint may stand one of the bucket's.
        return self._client("sts", links, _STS_SECONDS, given, self.bucket.ca_certificates, keys)

    def _sts_for_role(self, _service: str, **keys: Any) -> Any:
        return self.sts(guarded.Links(), **keys)

    def _client(
        self,
        service: str,
        links: guarded.Links,
        seconds: float,
        endpoint: str,
        ca_certificates: str,
        keys: dict[str, Any] | None = None,
        **config: Any,
    ) -> Any:
        seconds = min(seconds, _MOST_SECONDS)
        sender = Sender(
            links, seconds=seconds, ca_certificates=ca_certificates, connections=CONNECTIONS, is_aws=not endpoint
        )
        settings = Config(
            retries={"mode": "standard", "total_max_attempts": _TRIES},
            ignore_configured_endpoint_urls=True,
            proxies={},
            user_agent_extra="mailroom",
            **config,
        )
        with self._lock:
            client = self._session.create_client(
                service,
                region_name=self.bucket.signing_region,
                endpoint_url=endpoint or None,
                config=settings,
                **(keys or {}),
            )
        client.meta.events.register("before-send", sender.send)
        return client


@functools.lru_cache(maxsize=32)
def account(bucket: Bucket, role_seconds: int = ROLE_SECONDS) -> Account:
    """Return what a connection signs with, the same for the same settings.

    Args:
        role_seconds: the life of a role's credentials. What signs links wants more than what sends.
    """
    return Account(bucket, role_seconds)


# A lock that is held while a process forks would never be free again in its child.
os.register_at_fork(after_in_child=account.cache_clear)


def _isolated(credentials: Renewable) -> Session:
    """Return a session whose every setting is botocore's default."""
    session = Session()
    settings = {
        name: ConstantProvider(value=default) for name, (_, _, default, _) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    nothing = ConstantProvider(value=None)
    nowhere = ConstantProvider(value=os.devnull)
    settings |= {"s3": nothing, "proxies_config": nothing, "config_file": nowhere, "credentials_file": nowhere}
    session.register_component("config_store", ConfigValueStore(mapping=settings))
    session.register_component("data_loader", _MODELS)
    session.register_component("credential_provider", CredentialResolver([Given(credentials)]))
    return session
