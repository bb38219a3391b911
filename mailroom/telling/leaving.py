"""Make the address by which a user stops digests or summaries by one click, and do what it asks for."""

from __future__ import annotations

from mailroom.links.maker import is_private
from mailroom.links.tokens import Claim, Purpose, sign
from mailroom.settings import Settings
from mailroom.telling.pages import base_of
from mailroom.telling.spec import TellingKind

PURPOSES = {TellingKind.DAILY_DIGEST: Purpose.STOP_DIGEST, TellingKind.WEEKLY_SUMMARY: Purpose.STOP_SUMMARY}


def stop_url(settings: Settings, kind: TellingKind, user_id: str) -> str:
    """Return the address at which a user stops mails of a kind; empty where none can be made. Pure."""
    key, base = settings.link_key.get_secret_value(), base_of(settings)
    if not (key and base and settings.unsubscribe_links and is_private(base)):
        return ""
    purpose = PURPOSES[kind]
    return f"{base}/{purpose}/{sign(purpose, Claim(user_id), key)}"
