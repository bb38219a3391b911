"""Keep a page in its frame: each of its links and forms asks for a page without header and footer too. Pure.

It is done to the finished page, so that no template has to think of it, and none can forget it.
"""

from __future__ import annotations

import re

from markupsafe import escape

from api.http.browser.redirects import FRAME, framed

# Values are escaped and quoted, so no tag has a `<` or `>` in it.
_TAG = re.compile(r"<([a-z][a-z0-9-]*)((?:\s[^<>]*)?)>")
_ADDRESS = re.compile(r'(\s(?:href|action|formaction|hx-get|hx-post|hx-push-url)=")(/(?!/|static/)[^"]*)(?=")')
_POSTS = re.compile(r'\smethod="post"', re.IGNORECASE)
_ELSEWHERE = re.compile(r'\s(?:target="_blank"|download\b)')
_FIELD = f'<input type="hidden" name="{FRAME}" value="1">'


def keep(html: str) -> str:
    """Return a page whose own links and forms stay in the frame; what opens a window of its own does not."""
    return _TAG.sub(_kept, html)


def _kept(tag: re.Match[str]) -> str:
    name, attributes = tag.groups()
    if _ELSEWHERE.search(attributes):
        return tag.group()
    if name == "form" and not _POSTS.search(attributes):
        # The query of its action would be replaced by its fields.
        return f"{tag.group()}{_FIELD}"
    return f"<{name}{_ADDRESS.sub(_within, attributes)}>"


def _within(address: re.Match[str]) -> str:
    before, path = address.groups()
    return before + str(escape(framed(path.replace("&amp;", "&"))))
