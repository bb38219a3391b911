"""Keep what somebody has typed into a step of the wizard when the session is over, and lead to the log-in.

The form is laid beside the draft and shown after the log-in; nothing of it is applied. It is kept only for a session
that really existed and has expired by itself, whose user owns the draft, and only if a page of ours made the request
with the token of that very session: what an open session asks of a form is asked here, too.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope

from api.http.browser import cookies, csrf
from api.http.browser.connection import own_origins
from api.http.browser.cookies import Cookie
from api.http.browser.redirects import framed, is_framed
from mailroom.drafts import unsaved
from mailroom.drafts.spec import Part
from mailroom.settings import Settings
from mailroom.storage.database import Database

_PARTS = {
    "report": Part.REPORT,
    "frequency": Part.TIMING,
    "parameters": Part.PARAMETERS,
    "destinations": Part.DESTINATIONS,
    "review": Part.NAME,
}
"""The steps by the last part of their address."""
_STEP = re.compile(rf"/drafts/([A-Za-z0-9-]{{1,80}})/({'|'.join(_PARTS)})(/[a-z]+)?")
WHOLE = "version"
"""The field by which the whole form of a step is told from a single button."""
_MOST_FIELDS = 5_000


class SessionOver:
    """Decides what becomes of a form that comes with an expired session."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings

    async def answer(self, scope: Scope, receive: Receive) -> Response | None:
        """Return the way to the log-in for the form of a step of the wizard, kept or not; None for all else."""
        found = _STEP.fullmatch(scope["path"])
        headers = Headers(scope=scope)
        if found is None or scope["method"] != "POST" or not _is_form(headers):
            return None
        secret = cookies.read(scope, self._settings, Cookie.SESSION)
        if secret is None or not csrf.is_ours(headers, own_origins(scope, self._settings)):
            return None
        pairs = _pairs(await csrf.read_body(receive))
        if pairs is not None and _is_whole(pairs, secret):
            await self._keep(secret, found[1], _PARTS[found[2]], pairs)
        step, query = f"/drafts/{found[1]}/{found[2]}", scope["query_string"].decode("latin-1")
        return _to_log_in(framed(step) if is_framed(f"?{query}") else step, headers)

    async def _keep(self, secret: str, draft_id: str, part: Part, pairs: list[tuple[str, str]]) -> None:
        now, kept = self._database.now(), [pair for pair in pairs if pair[0] != csrf.FIELD]

        async def change(session: AsyncSession) -> None:
            await unsaved.keep(session, secret, draft_id, part, kept, now=now)

        await self._database.transact(change)


def _is_form(headers: Headers) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == csrf.FORM


def _pairs(body: bytes) -> list[tuple[str, str]] | None:
    """Return the fields of a form; None where no page of ours has sent it."""
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return None
    if any("\0" in text for pair in pairs for text in pair):
        return None
    return [(name, value.replace("\r\n", "\n")) for name, value in pairs]


def _is_whole(pairs: list[tuple[str, str]], secret: str) -> bool:
    given = dict(pairs)
    return WHOLE in given and csrf.is_token(given.get(csrf.FIELD, ""), secret)


def _to_log_in(path: str, headers: Headers) -> Response:
    target = f"/login?next={quote(path, safe='')}"
    if "hx-request" in headers:
        return Response(status_code=401, headers={"HX-Redirect": target, "Cache-Control": "no-store"})
    return RedirectResponse(target, 303, {"Cache-Control": "no-store"})
