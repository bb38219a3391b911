"""The guards of links in mails, of unsubscribing and of corrections."""

from __future__ import annotations

from scripts.guards.guards import Guard

_TOKENS = ("tests/unit/links/test_tokens.py",)
_MAKER = ("tests/unit/links/test_maker.py",)
_REVOKED = ("tests/unit/links/test_revoked.py",)
_DOWNLOADS = ("tests/integration/api/links/test_downloads.py",)
_STORE = ("tests/integration/passes/test_links_from_store.py",)
_UNSUBSCRIBING = ("tests/integration/api/links/test_unsubscribing.py",)
_CORRECTING = ("tests/integration/passes/correcting/test_corrections.py",)
_REACHED = ("tests/unit/passes/test_reached.py",)

LINK_GUARDS = (
    Guard(
        "a link is signed",
        "Nobody makes a link to what was sent to somebody else.",
        "mailroom/links/tokens.py",
        "    if not any(hmac.compare_digest(given, _mac(purpose, content, key)) for key in keys):\n",
        "    if not keys:\n",
        _TOKENS,
    ),
    Guard(
        "a token is for one purpose",
        "A link to unsubscribe opens no file.",
        "mailroom/links/tokens.py",
        'b"mailroom link\\n" + purpose.encode() + b"\\n" + content',
        'b"mailroom link\\n" + content',
        _TOKENS,
    ),
    Guard(
        "a link ends with the files",
        "No link promises what is not kept any more.",
        "mailroom/links/maker.py",
        "        return min(delivery.created_at + timedelta(days=self.days), self.files_until)\n",
        "        return delivery.created_at + timedelta(days=self.days)\n",
        _MAKER,
    ),
    Guard(
        "a link ends",
        "A link that has ended opens nothing.",
        "mailroom/links/downloads.py",
        "    if claim.ends_at <= now:\n        raise expired(claim.ends_at)\n",
        "",
        _DOWNLOADS,
    ),
    Guard(
        "a link ends with the right to send",
        "Nothing is fetched of a schedule that was deleted, or whose owner has gone.",
        "mailroom/links/downloads.py",
        "        or bar_of(found.owner) is not None\n",
        "",
        _REVOKED,
    ),
    Guard(
        "a stop covers links",
        "While a report is stopped, its files cannot be fetched either.",
        "mailroom/links/downloads.py",
        " or await stored.is_stopped(session, found)",
        "",
        _DOWNLOADS,
    ),
    Guard(
        "logs have no token",
        "Whoever reads the logs of the API opens no link.",
        "api/http/auth.py",
        '    return path if prefix is None else f"{prefix}…"\n',
        "    return path\n",
        _DOWNLOADS,
    ),
    Guard(
        "an attempt asks who has unsubscribed",
        "Nothing of a schedule is sent to whoever wants nothing of it.",
        "mailroom/passes/gate.py",
        "    if suppression is None and unsubscribed:\n",
        "    if False:\n",
        ("tests/unit/passes/test_left_out.py",),
    ),
    Guard(
        "a link undoes only what the person did",
        "What an admin has suppressed stays so.",
        "mailroom/recipients/repository.py",
        "delete(Suppression).where(Suppression.address == address, Suppression.created_by == address)",
        "delete(Suppression).where(Suppression.address == address)",
        _UNSUBSCRIBING,
    ),
    Guard(
        "a correction goes to those who got the wrong one",
        "Nobody who got nothing gets a correction.",
        "mailroom/passes/correcting/ask.py",
        "            if row.status in _GOT_IT:\n",
        "            if row.status:\n",
        _REACHED,
    ),
    Guard(
        "a correction is rendered anew",
        "The data of a correction are those of now.",
        "mailroom/rendering/service.py",
        "        if self.fresh:\n",
        "        if False:\n",
        _CORRECTING,
    ),
    Guard(
        "the wrong one is over once it is corrected",
        "Retry in Prefect sends a wrong report to nobody else.",
        "mailroom/passes/claim.py",
        "    if execution.status.ended and (by :=",
        "    if not execution.status and (by :=",
        _CORRECTING,
    ),
    Guard(
        "the store of links needs a grant",
        "Nobody sends links through a connection that they may not use.",
        "mailroom/passes/deliver.py",
        "destination(delivery.destination).connections() if needs_grant",
        "[delivery.connection] if needs_grant",
        _STORE,
    ),
    Guard(
        "the store of links is one",
        "Links lead to a connection that the owner may use, and that signs links.",
        "mailroom/schedules/checks.py",
        "        if name := target.links_connection():\n",
        "        if name := '':\n",
        _STORE,
    ),
    Guard(
        "the store of links can be stopped",
        "No file leaves through a connection that a person has stopped.",
        "mailroom/passes/sending/store.py",
        "        if stop_id is not None:\n            raise HeldBack(stop_id)\n",
        "",
        _STORE,
    ),
    Guard(
        "the breaker of the store of links holds mails back",
        "A store that does not work gets no files for links.",
        "mailroom/passes/sending/store.py",
        "            raise HeldBack(breaker_id)\n",
        "            return turn, True\n",
        _STORE,
    ),
    Guard(
        "links that are about to end are not sent",
        "Nobody gets a link that is dead before the mail is read.",
        "blocks/prefect_mailroom/channels/objects/keeping.py",
        "    if until - clock() < LEAST:\n",
        "    if False:\n",
        _STORE,
    ),
)
