"""To which page a form leads back whose session is over."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from api.http.browser.redirects import HOME, came_from


@pytest.mark.parametrize(
    ("referer", "page"),
    [
        ("https://mailroom.example/schedules/7?state=failed", "/schedules/7?state=failed"),
        ("https://MAILROOM.example/me", "/me"),
        ("https://evil.example/schedules/7", HOME),
        ("https://mailroom.example.evil.example/me", HOME),
        ("https://mailroom.example//evil.example", HOME),
        ("https://[mailroom.example/me", HOME),
        ("/me", HOME),
        ("", HOME),
    ],
)
def test_security_33_it_is_a_page_of_ours(referer: str, page: str) -> None:
    assert came_from(Headers({"host": "mailroom.example", "referer": referer})) == page
