"""What a browser keeps while it is at the identity provider."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import jwt

from api.actions.login.bearer import looks_like_token
from api.actions.login.flow import LASTS, Flow, opened, sealed

KEY, OTHER = "k" * 40, "o" * 40


def test_it_comes_back_as_it_was_given() -> None:
    flow, now = Flow.new("/account"), datetime.now(UTC)
    assert opened(sealed(flow, KEY, now=now), KEY, flow.state) == flow


def test_security_31_it_is_of_use_for_a_while_to_who_began_and_only_as_we_sealed_it() -> None:
    flow, now = Flow.new("/account"), datetime.now(UTC)
    cookie = sealed(flow, KEY, now=now)
    assert opened(cookie, OTHER, flow.state) is None
    assert opened(cookie, KEY, Flow.new("/").state) is None
    assert opened(cookie, KEY, "") is None
    assert opened(cookie, KEY, "\udc80") is None
    assert opened(sealed(flow, KEY, now=now - LASTS - timedelta(seconds=1)), KEY, flow.state) is None
    unsigned = jwt.encode(jwt.decode(cookie, options={"verify_signature": False}), "", algorithm="none")
    assert opened(unsigned, KEY, flow.state) is None


def test_the_provider_is_told_the_hash_of_the_verifier() -> None:
    flow = Flow.new("/")
    assert 43 <= len(flow.verifier) <= 128
    digest = hashlib.sha256(flow.verifier.encode()).digest()
    assert base64.urlsafe_b64decode(flow.challenge + "=") == digest
    assert len({Flow.new("/").state for _ in range(100)}) == 100


def test_keys_of_ours_are_no_tokens() -> None:
    assert looks_like_token("eyJh.b.c")
    assert not looks_like_token("mrk_0123456789abcdef_" + "0" * 64)
