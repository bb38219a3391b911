"""What is kept of the identity provider, when it is asked again, and what of it is not believed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from mailroom.access.oidc.errors import Fault, TokenRefused
from mailroom.access.oidc.fetch import MAX_BYTES, fetch_json
from mailroom.access.oidc.provider import FRESH_SECONDS, KEPT_SECONDS, PAUSE_SECONDS, Provider
from mailroom.errors import Unavailable
from tests.integration.api.login.conftest import of_provider, settings_of
from tests.support.identity_provider import IdentityProvider


class Clock:
    """The monotonic clock of a test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def asked(tmp_path: Path, provider: IdentityProvider, clock: Clock) -> Provider:
    """What we keep of the provider."""
    return Provider(settings_of(tmp_path, **of_provider(provider.issuer)), clock=clock)


async def test_security_31_rotated_keys_are_found_and_old_ones_end(
    asked: Provider, provider: IdentityProvider, clock: Clock
) -> None:
    old = provider.token("ada")
    assert (await asked.bearer(old))["sub"] == "ada"
    provider.rotate()
    clock.now += PAUSE_SECONDS
    assert (await asked.bearer(provider.token("ada")))["sub"] == "ada"
    assert provider.asked["/jwks"] == 2
    with pytest.raises(TokenRefused) as refused:
        await asked.bearer(old)
    assert refused.value.fault is Fault.KEY


async def test_security_31_unknown_keys_do_not_flood_the_provider(
    asked: Provider, provider: IdentityProvider, clock: Clock
) -> None:
    await asked.bearer(provider.token("ada"))
    clock.now += PAUSE_SECONDS
    for number in range(20):
        with pytest.raises(TokenRefused):
            await asked.bearer(provider.signed(provider.claims("ada"), kid=f"unknown-{number}"))
    assert provider.asked["/jwks"] == 2
    assert (await asked.bearer(provider.token("ada")))["sub"] == "ada"


async def test_many_at_once_ask_the_provider_once(asked: Provider, provider: IdentityProvider) -> None:
    token = provider.token("ada")
    found = await asyncio.gather(*(asked.bearer(token) for _ in range(20)))
    assert {claims["sub"] for claims in found} == {"ada"}
    assert provider.asked["/jwks"] == 1


async def test_what_is_known_lasts_a_day_without_the_provider(tmp_path: Path, clock: Clock) -> None:
    with IdentityProvider().running() as short_lived:
        asked = Provider(settings_of(tmp_path, **of_provider(short_lived.issuer)), clock=clock)
        token = short_lived.token("ada")
        await asked.bearer(token)
    clock.now += FRESH_SECONDS
    assert (await asked.bearer(token))["sub"] == "ada"
    clock.now += KEPT_SECONDS
    with pytest.raises(Unavailable):
        await asked.bearer(token)


async def test_security_31_without_an_audience_no_bearer_token_is_taken(
    tmp_path: Path, provider: IdentityProvider
) -> None:
    asked = Provider(settings_of(tmp_path, **of_provider(provider.issuer) | {"oidc_audience": ""}))
    for audience in ("", "x"):
        with pytest.raises(TokenRefused) as refused:
            await asked.bearer(provider.token("ada", aud=audience))
        assert refused.value.fault is Fault.AUDIENCE


async def test_a_provider_that_calls_itself_otherwise_is_not_used(asked: Provider, provider: IdentityProvider) -> None:
    provider.changes["issuer"] = "https://evil.example"
    with pytest.raises(Unavailable):
        await asked.bearer(provider.token("ada"))


@pytest.mark.parametrize("place", ["http://127.0.0.1:1/jwks", "file:///etc/passwd", "https://127.0.0.1/jwks", ""])
async def test_keys_from_elsewhere_pass_the_guard_of_what_leaves(
    asked: Provider, provider: IdentityProvider, place: str
) -> None:
    """The issuer is the operator's choice, but its document could lead anywhere."""
    provider.changes["jwks_uri"] = place
    with pytest.raises(Unavailable):
        await asked.bearer(provider.token("ada"))


async def test_nothing_inside_is_touched_for_a_document(asked: Provider, provider: IdentityProvider) -> None:
    with socket.socket() as inside:
        inside.bind(("127.0.0.1", 0))
        inside.listen()
        inside.setblocking(False)
        provider.changes["jwks_uri"] = f"https://127.0.0.1:{inside.getsockname()[1]}/jwks"
        with pytest.raises(Unavailable):
            await asked.bearer(provider.token("ada"))
        with pytest.raises(BlockingIOError):
            inside.accept()


@contextmanager
def _answering(body: bytes, *, status: int = 200, **headers: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                return  # It was enough for who asked.

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@pytest.mark.parametrize(
    ("body", "status", "headers"),
    [
        (b'{"a": "' + b"x" * MAX_BYTES + b'"}', 200, {}),
        (b"[]", 200, {}),
        (b"no json", 200, {}),
        (b"{}", 500, {}),
        (b"{}", 404, {}),
        (b"{}", 302, {"Location": "http://127.0.0.1:1/"}),
        (b"{}", 200, {"Content_Encoding": "gzip"}),
    ],
)
async def test_an_answer_that_is_no_document_is_refused(body: bytes, status: int, headers: dict[str, str]) -> None:
    with _answering(body, status=status, **headers) as url, pytest.raises(Unavailable):
        await fetch_json(f"{url}/jwks", issuer=url)


async def test_a_provider_that_does_not_answer_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unavailable):
            await fetch_json(f"{url}/jwks", issuer=url, seconds=0.2)
