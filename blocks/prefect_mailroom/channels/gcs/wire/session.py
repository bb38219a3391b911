"""Sessions of Google's client whose connections are guarded, and which read nothing of the environment.

A session that carries a token sends to the connection's own endpoint and nowhere else, whatever an answer names as the
address of an upload. No redirect is followed.
"""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from google.auth.credentials import Credentials
from google.auth.transport.requests import AuthorizedSession, Request
from requests.adapters import HTTPAdapter

from prefect_mailroom.channels.gcs.bucket import Bucket
from prefect_mailroom.channels.objects import guarded
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text.filenames import clean_line
from prefect_mailroom.tls import trusting

_METADATA = ("http://metadata.google.internal/", "http://169.254.169.254/")
"""The metadata server of a machine at Google: asked by google-auth alone, for a connection that may be the machine."""


class _Guarded(HTTPAdapter):
    def __init__(self, links: guarded.Links, context: ssl.SSLContext) -> None:
        self._links = links
        self._context = context
        super().__init__()

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        super().init_poolmanager(*given, ssl_context=self._context, **named)
        guarded.guard(self.poolmanager, guarded.pools(self._links))


def _guard(session: requests.Session, links: guarded.Links, ca_certificates: str) -> None:
    session.trust_env = False
    session.max_redirects = 0
    adapter = _Guarded(links, trusting(ca_certificates))
    session.mount("https://", adapter)
    session.mount("http://", adapter)


def token_request(bucket: Bucket, links: guarded.Links) -> Request:
    """Return what google-auth asks for tokens and signatures with."""
    session = requests.Session()
    _guard(session, links, bucket.ca_certificates)
    if bucket.uses_machine:
        # No guard lets anybody to this address; here nobody but the library chose it.
        for address in _METADATA:
            session.mount(address, HTTPAdapter())
    return Request(session)


class Session(AuthorizedSession):
    """A session to one endpoint.

    Attributes:
        uploads: the addresses of the uploads in parts that were begun.
    """

    def __init__(self, bucket: Bucket, credentials: Credentials, links: guarded.Links) -> None:
        super().__init__(credentials, auth_request=token_request(bucket, links))
        _guard(self, links, bucket.ca_certificates)
        self._endpoint = bucket.endpoint
        self._target = bucket.target
        self.uploads: list[str] = []

    def request(self, method: str, url: str, *given: Any, **named: Any) -> requests.Response:  # type: ignore[override]
        """Send a request with the token, to the endpoint alone.

        Raises:
            ConfigurationError: it leads elsewhere.
        """
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        is_encrypted = self._endpoint.startswith(f"{parts.scheme}:")
        if (parts.hostname, port) != self._target or not is_encrypted or parts.username is not None:
            raise ConfigurationError(
                f"The store names '{clean_line(str(parts.hostname))[:100]}' as the address of an upload; nothing was "
                "sent there.",
                remedy="Correct the endpoint, or ask its operator.",
                field="endpoint",
            )
        answer: requests.Response = super().request(method, url, *given, **named)
        address = answer.headers.get("location", "")
        if answer.ok and "upload_id" in parse_qs(urlsplit(address).query):
            self.uploads.append(address)
        return answer
