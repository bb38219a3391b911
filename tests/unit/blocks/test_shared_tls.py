"""Guard: Prefect's clients take their TLS context from where it is shared. Each would otherwise make its own."""

from __future__ import annotations

import ssl

import prefect.client.orchestration
import pytest
from prefect.client.orchestration import PrefectClient
from prefect.settings import PREFECT_API_TLS_INSECURE_SKIP_VERIFY, temporary_settings

from prefect_mailroom.worker.shared_tls import share_tls_contexts

FAR = "https://127.0.0.1:9/api"


@pytest.fixture(autouse=True)
def _shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Share within one test, and put back what was there before."""
    monkeypatch.setattr(prefect.client.orchestration, "ssl", ssl)
    share_tls_contexts()


def _context() -> ssl.SSLContext:
    transport = PrefectClient(FAR)._client._transport
    return transport._pool._ssl_context  # type: ignore[attr-defined,no-any-return]  # httpx tells it nowhere else.


def test_one_context_serves_all_clients() -> None:
    first = _context()
    share_tls_contexts()
    assert _context() is first


def test_one_that_verifies_nothing_is_never_taken_for_one_that_does() -> None:
    with temporary_settings({PREFECT_API_TLS_INSECURE_SKIP_VERIFY: True}):
        careless = _context()
    assert (careless.verify_mode, _context().verify_mode) == (ssl.CERT_NONE, ssl.CERT_REQUIRED)
