"""Send what Azure's clients want to send through guarded connections, and nothing else: no proxy, no other socket."""

from __future__ import annotations

import logging
import re
from typing import Any

import requests
import urllib3
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter

from prefect_mailroom.channels.objects import guarded
from prefect_mailroom.tls import trusting

_BLOCK = 262_144
_SIGNATURE = re.compile(r"(?<![a-z])(sig=)[^&\s\"']+", re.IGNORECASE)


class _Adapter(HTTPAdapter):
    """Give requests our own pools; the context decides what is trusted, and nothing of the environment does."""

    def __init__(self, links: guarded.Links, ca_certificates: str, connections: int) -> None:
        self._links = links
        self._context = trusting(ca_certificates)
        super().__init__(max_retries=0, pool_maxsize=connections)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **_kwargs: Any) -> None:
        """Make the manager of the pools."""
        manager = urllib3.PoolManager(
            num_pools=connections, maxsize=maxsize, block=block, ssl_context=self._context, blocksize=_BLOCK
        )
        self.poolmanager = guarded.guard(manager, guarded.pools(self._links))

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the pool as it is."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Return which pool a request takes."""
        host, _ = super().build_connection_pool_key_attributes(request, True, None)
        return host, {}


def transport(links: guarded.Links, *, ca_certificates: str, connections: int, seconds: float) -> RequestsTransport:
    """Return the transport of one client.

    Args:
        connections: how many are kept at once.
        seconds: how long it waits for a connection, and for the next bytes of an answer.
    """
    session = requests.Session()
    session.trust_env = False
    session.adapters.clear()
    adapter = _Adapter(links, ca_certificates, connections)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return RequestsTransport(
        session=session, use_env_settings=False, connection_timeout=min(20, seconds), read_timeout=seconds
    )


def _without_signature(record: logging.LogRecord) -> bool:
    """Take the signature of a SAS token out of what urllib3 says about the address of a request."""
    if isinstance(record.args, tuple):
        record.args = tuple(_SIGNATURE.sub(r"\1…", arg) if isinstance(arg, str) else arg for arg in record.args)
    return True


logging.getLogger("urllib3.connectionpool").addFilter(_without_signature)
