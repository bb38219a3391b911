"""Make the pages of keys. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from api.actions.keys.views import KeyView
from api.web import words
from api.web.parts import Chip, Field, Link, Moment, Option, Pager, SummaryRow
from api.web.when import When
from mailroom.roles import WIDEST, Role, Scope

HOME = "/settings/keys"
SOON = timedelta(days=14)
_SCOPES = {
    Scope.READ: "look at what its owner sees, and change nothing",
    Scope.WRITE: "also change what is its owner's",
    Scope.ADMIN: "also change what is everybody's, and act for other users",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A key in the list; `revoke` is where it is ended, empty if it has ended or the reader may not."""

    name: str
    prefix: str
    owner: str
    gives: str
    made: Moment
    ends: Moment | None
    used: Moment | None
    state: Chip
    revoke: str


@dataclass(frozen=True, slots=True)
class KeysPage:
    """The list; `of_others` tells whether it names owners."""

    views: tuple[Link, ...]
    rows: tuple[Row, ...]
    pager: Pager
    of_others: bool


def list_of(
    query: Mapping[str, str],
    found: Sequence[KeyView],
    next_cursor: str | None,
    owners: Mapping[str, str],
    when: When,
    *,
    sees_all: bool,
    changes: bool,
) -> KeysPage:
    """Return the list.

    Args:
        query: `user` names whose keys they are, `all` stands for everybody's.
        changes: whether the reader may revoke keys.
    """
    whose = query.get("user", "")
    kept = {"user": whose} if whose else {}
    views = [Link(HOME, "My keys", not whose)]
    if sees_all:
        views.append(Link(f"{HOME}?user=all", "Everybody's", whose == "all"))
        if whose not in ("", "all"):
            of = next(iter(owners.values()), "This user")
            views.append(Link(f"{HOME}?user={quote(whose)}", f"Keys of {of}", current=True))
    return KeysPage(
        views=tuple(views) if len(views) > 1 else (),
        rows=tuple(_row(one, owners.get(one.user_id, ""), when, changes=changes) for one in found),
        pager=Pager(
            HOME + (f"?{urlencode(kept)}" if kept else "") if query.get("cursor") else "",
            f"{HOME}?{urlencode({**kept, 'cursor': next_cursor})}" if next_cursor else "",
            words.count(len(found), "key"),
        ),
        of_others=bool(whose),
    )


def _row(one: KeyView, owner: str, when: When, *, changes: bool) -> Row:
    state = state_of(one, when.now)
    return Row(
        name=one.name,
        prefix=one.prefix,
        owner=owner,
        gives=scope_words(one.scope),
        made=when.moment(one.created_at, short=True),
        ends=when.moment(one.expires_at, relative=True, short=True) if one.expires_at else None,
        used=when.moment(one.last_used_at, relative=True, short=True) if one.last_used_at else None,
        state=state,
        revoke=f"{HOME}/{one.id}/revoke" if changes and state.tone != "off" else "",
    )


def state_of(one: KeyView, now: datetime) -> Chip:
    """Return whether a key works."""
    if one.revoked_at is not None:
        return Chip("Revoked", "ban", "off")
    if one.expires_at is None:
        return Chip("Works", "circle-check", "ok")
    if one.expires_at <= now:
        return Chip("Expired", "clock", "off")
    return (
        Chip("Ends soon", "clock-alert", "warn") if one.expires_at - now < SOON else Chip("Works", "circle-check", "ok")
    )


def scope_words(scope: Scope) -> str:
    """Return what a key gives."""
    return _SCOPES[scope][:1].upper() + _SCOPES[scope][1:]


def form_of(
    role: Role, own: Scope, most_days: int, given: Mapping[str, str], errors: Mapping[str, tuple[str, ...]]
) -> tuple[Field, ...]:
    """Return the fields of a new key.

    Args:
        role: the owner's role, beyond which no key goes; `own` is the scope of what the visitor has logged in with.
    """
    scopes = tuple(
        Option(scope, words.SCOPES[scope], f"It can {_SCOPES[scope]}.")
        for scope in Scope
        if WIDEST[role].covers(scope) and own.covers(scope)
    )
    return (
        Field(
            "name",
            "What is it for?",
            value=given.get("name", ""),
            hint="Such as “nightly import”. You recognise the key by it later.",
            errors=errors.get("name", ()),
            attributes={"maxlength": "200", "autocomplete": "off"},
        ),
        Field(
            "scope", "What can it do?", "radios", given.get("scope", Scope.READ), scopes, errors=errors.get("scope", ())
        ),
        Field(
            "expires_in_days",
            "For how many days?",
            "number",
            given.get("expires_in_days", str(min(90, most_days))),
            hint=f"1 to {most_days}. You are told before it ends.",
            errors=errors.get("expires_in_days", ()),
            attributes={"min": "1", "max": str(most_days), "inputmode": "numeric"},
        ),
        Field("user", "", "hidden", given.get("user", "")),
    )


def summary_of(one: KeyView, owner: str, when: When) -> tuple[SummaryRow, ...]:
    """Return what is known of a key that is about to be revoked."""
    used = when.moment(one.last_used_at, relative=True) if one.last_used_at else None
    return (
        SummaryRow("Begins with", (one.prefix,)),
        SummaryRow("Owner", (owner,)),
        SummaryRow("It can", (scope_words(one.scope),)),
        SummaryRow("Last used", (f"{used.text} ({used.relative})" if used else "never",)),
    )
