"""Define what the API answers about keys, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.actions.view import View
from mailroom.members.keys import settings_of
from mailroom.members.users import etag
from mailroom.roles import Scope
from mailroom.storage.model.access import ApiKey


class KeyView(View):
    """A key without its secret part."""

    id: str
    user_id: str
    name: str
    prefix: str = Field(description="The first part of the key, by which it is recognised.")
    scope: Scope
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="When it was last used; written at most once a minute.")
    revoked_at: datetime | None
    etag: str


class NewKeyView(KeyView):
    """A new key. This answer is the only place where `key` is shown."""

    key: str = Field(description="The key itself. Keep it: it cannot be shown again.")


def key_view(row: ApiKey) -> KeyView:
    """Return a key as a view."""
    return KeyView(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        prefix=row.prefix,
        scope=row.scope,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        etag=etag(settings_of(row)),
    )
