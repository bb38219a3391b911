"""A delivery gets links by the settings, the channel and the recipient."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailroom.executions.deliveries import new_delivery
from mailroom.links.maker import NO_LINKS, LinkMaker, is_private, link_maker
from mailroom.links.tokens import Purpose, read
from mailroom.settings import Settings
from mailroom.storage.database import new_id
from mailroom.storage.tables import Artifact, Delivery
from prefect_mailroom.channels.base import Destination, ParcelFile
from prefect_mailroom.channels.registry import destination

KEY = "k" * 32
NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
MAIL: dict[str, Any] = {"channel": "email", "connection": "smtp", "to": ["Ada@example.com"]}
HOOK = {"channel": "webhook", "connection": "hook"}
FOLDER = {"channel": "folder", "connection": "shared", "path": "x.{ext}"}
FILES = [ParcelFile(Path(), f"{name}.csv", "text/csv", 1, name * 64) for name in "ab"]


def _maker(days_kept: int = 30, **changes: Any) -> LinkMaker:
    given = {"link_key": KEY, "public_address": "https://reports.example.com/", **changes}
    kept = [Artifact(expires_at=NOW + timedelta(days=days)) for days in (40, days_kept)]
    return link_maker(Settings(**given), kept)


def _delivery(body: dict[str, Any], recipient: str = "Ada@example.com") -> tuple[Delivery, Destination]:
    row = new_delivery(
        new_id(), 0, recipient, channel=body["channel"], connection=body["connection"], destination=body, now=NOW
    )
    return row, destination(body)


def test_a_mail_leads_to_the_page_and_a_webhook_to_each_file() -> None:
    row, mail = _delivery(MAIL)
    links = _maker().downloads(row, mail, FILES)
    (page,) = set(links.values())
    assert set(links) == {"a" * 64, "b" * 64}
    assert page.startswith("https://reports.example.com/d/")
    row, hook = _delivery(HOOK, "hook")
    links = _maker().downloads(row, hook, FILES)
    assert [url.rpartition("/")[2] for url in links.values()] == ["1", "2"]


def test_each_attempt_gets_the_same_and_each_delivery_its_own() -> None:
    (one, mail), (other, _) = _delivery(MAIL), _delivery(MAIL)
    assert _maker().downloads(one, mail, FILES) == _maker().downloads(one, mail, FILES)
    assert _maker().downloads(one, mail, FILES) != _maker().downloads(other, mail, FILES)


@pytest.mark.parametrize(("kept", "days", "expected"), [(30, 14, 14), (3, 14, 3), (30, 1, 1)])
def test_a_link_ends_with_its_time_or_with_the_files(kept: int, days: int, expected: int) -> None:
    row, mail = _delivery(MAIL)
    maker = _maker(kept, download_link_days=days)
    assert maker.ends_at(row, mail) == NOW + timedelta(days=expected)
    claim = read(Purpose.DOWNLOAD, maker.downloads(row, mail, FILES)["a" * 64].rpartition("/")[2], [KEY])
    assert claim is not None
    assert (claim.delivery_id, claim.ends_at) == (row.id, NOW + timedelta(days=expected))


@pytest.mark.parametrize(
    ("changes", "body", "recipient"),
    [
        ({"download_links": False}, MAIL, "Ada@example.com"),
        ({"link_key": ""}, MAIL, "Ada@example.com"),
        ({}, FOLDER, "x.{ext}"),
    ],
)
def test_no_links_where_none_are_wanted(changes: dict[str, Any], body: dict[str, Any], recipient: str) -> None:
    row, target = _delivery(body, recipient)
    assert _maker(**changes).downloads(row, target, FILES) == {}
    assert _maker().downloads(*_delivery(MAIL), []) == {}, "there is nothing to fetch"


def test_production_needs_its_public_address() -> None:
    production: dict[str, Any] = {
        "mode": "production",
        "database_url": "postgresql://x",
        "prefect_api_url": "http://x/api",
    }
    assert _maker(**production, public_address="") == NO_LINKS
    assert _maker(**production).base == "https://reports.example.com"
    assert _maker(public_address="").base == "http://127.0.0.1:8080", "on one machine, its own address will do"


@pytest.mark.parametrize(
    ("changes", "body", "recipient", "has_one"),
    [
        ({}, MAIL, "Ada@example.com", True),
        ({"public_address": ""}, MAIL, "Ada@example.com", True),
        ({"public_address": "http://reports.example.com"}, MAIL, "Ada@example.com", False),
        ({"unsubscribe_links": False}, MAIL, "Ada@example.com", False),
        ({"link_key": ""}, MAIL, "Ada@example.com", False),
        ({}, MAIL, "the whole group", False),
        ({}, HOOK, "hook", False),
    ],
)
def test_who_gets_a_link_to_unsubscribe(
    changes: dict[str, Any], body: dict[str, Any], recipient: str, *, has_one: bool
) -> None:
    row, target = _delivery(body, recipient)
    url = _maker(**changes).unsubscribe(row, target)
    assert bool(url) is has_one
    if has_one:
        claim = read(Purpose.UNSUBSCRIBE, url.rpartition("/u/")[2], [KEY])
        assert claim is not None
        assert (claim.delivery_id, claim.ends_at) == (row.id, None)


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("https://a.example", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://localhost", True),
        ("http://a.example", False),
        ("http://10.0.0.1", False),
        ("http://localhost.evil.example", False),
    ],
)
def test_https_or_this_machine(url: str, *, private: bool) -> None:
    assert is_private(url) is private


def test_a_short_key_stops_the_start() -> None:
    with pytest.raises(ValueError, match="32 characters"):
        Settings(link_key="short")
