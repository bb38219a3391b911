"""Make the page of the audit trail from what was read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from api.actions.audit.reading import Reading
from api.actions.audit.views import AuditView
from api.web.audit.differences import Change, Fact, changes_of, facts_of
from api.web.audit.sentences import KINDS, Sentence, actions, sentence
from api.web.parts import Field, Moment, Option, Pager
from api.web.when import When
from api.web.words import count
from mailroom.audit.repository import MAILROOM, SYNC, AuditFilter
from mailroom.audit.sealing.standing import Standing
from mailroom.audit.sealing.verify import Code, Verdict

FIELDS = ("actor", "action", "thing", "from", "to", "address")
"""The filters, by their names in the address of the page."""
ACTORS = {MAILROOM: "Mailroom", SYNC: "Mailroom, from a folder of reports,"}
"""Whom no person is: what acts by itself."""
_ADVICE = {
    Code.CHANGED: "Do not rely on it.",
    Code.CUT: "Entries are missing at the end.",
    Code.COMPUTED_ANEW: "Do not rely on entries up to it.",
    Code.OTHER_TRAIL: "Perhaps an older backup was restored.",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is shown; `behalf` is for whom it was done, `origin` from where, as far as the reader sees it."""

    id: str
    actor: str
    behalf: str
    sentence: Sentence
    moment: Moment
    origin: str
    changes: tuple[Change, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """Hold how the trail stands, in words; `wrong` has a sentence for each thing that does not fit."""

    words: str
    signed: str
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The page: filters, entries, and how the trail stands.

    Attributes:
        chosen: what is filtered by in words, empty for nothing.
        thing: the thing that the page is about, as the query has it; `thing_words` is its name.
        export: the address of the export of this choice; empty for who may not.
    """

    fields: tuple[Field, ...]
    entries: tuple[Entry, ...]
    chain: Chain
    pager: Pager
    chosen: str
    thing: str
    thing_words: str
    without_thing: str
    export: str
    zone: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold what the query asks for: the choice of entries, and the faults of what could not be read, by field."""

    wanted: AuditFilter
    faults: Mapping[str, str]


def asked(query: Mapping[str, str], zone: ZoneInfo) -> Asked:
    """Return what a query asks for; days are those of the reader's zone, and the last one is included."""
    faults: dict[str, str] = {}

    def instant(name: str, *, days: int = 0) -> datetime | None:
        if not (text := query.get(name, "").strip()):
            return None
        try:
            day = date.fromisoformat(text) + timedelta(days=days)
            return datetime.combine(day, time(), zone).astimezone(UTC)
        except (ValueError, OverflowError):
            faults[name] = "Enter a day, such as 2026-11-30."
            return None

    kind, _, entity_id = query.get("thing", "").partition(":")
    wanted = AuditFilter(
        actor=query.get("actor", "").strip()[:320] or None,
        action=query.get("action", "")[:60] or None,
        entity_type=kind[:40] or None,
        entity_id=entity_id[:100] or None,
        since=instant("from"),
        until=instant("to", days=1),
        address=query.get("address", "").strip()[:64] or None,
    )
    return Asked(wanted, faults)


def page_of(
    query: Mapping[str, str], found: Reading, faults: Mapping[str, str], when: When, *, sees_all: bool, exports: bool
) -> AuditPage:
    """Return the page."""
    kept = {name: query[name] for name in FIELDS if query.get(name)}
    kind, _, entity_id = kept.get("thing", "").partition(":")
    name = found.names.get((kind, entity_id), entity_id)
    thing_words = f"the {KINDS.get(kind, kind)} {name}" if entity_id else ""
    return AuditPage(
        fields=_fields(kept, faults, sees_all=sees_all),
        entries=tuple(_entry(one, found, when) for one in found.items),
        chain=_chain(found.standing, when),
        pager=Pager(
            first=address("/audit", kept) if query.get("cursor") else "",
            next=address("/audit", {**kept, "cursor": found.next_cursor}) if found.next_cursor else "",
            words=count(len(found.items), "entry", "entries"),
        ),
        chosen=", ".join(kept),
        thing=kept.get("thing", "") if entity_id else "",
        thing_words=thing_words,
        without_thing=address("/audit", {key: value for key, value in kept.items() if key != "thing"}),
        export=address("/audit/export", kept) if exports else "",
        zone=when.zone.key,
    )


def address(path: str, query: Mapping[str, str]) -> str:
    """Return the address of a page with a query."""
    return f"{path}?{urlencode(query)}" if query else path


def _fields(kept: Mapping[str, str], faults: Mapping[str, str], *, sees_all: bool) -> tuple[Field, ...]:
    chosen_kind, _, entity_id = kept.get("thing", "").partition(":")
    kinds = (Option("", "Anything"), *(Option(kind, words.capitalize()) for kind, words in KINDS.items()))
    every = (Option("", "Any"), *(Option(action, words.capitalize()) for action, words in actions().items()))

    def day(name: str, label: str) -> Field:
        errors = (faults[name],) if name in faults else ()
        return Field(name, label, "date", kept.get(name, ""), errors=errors)

    found = [
        Field("actor", "Who", "search", kept.get("actor", ""), attributes={"placeholder": "ada@example.com"}),
        Field("action", "Action", "select", kept.get("action", ""), every),
        day("from", "From"),
        day("to", "To"),
    ]
    if not entity_id:
        found.insert(2, Field("thing", "To what", "select", chosen_kind, kinds))
    if sees_all:
        found.append(
            Field("address", "From address", "search", kept.get("address", ""), attributes={"placeholder": "192.0.2.7"})
        )
    return tuple(found)


def _entry(one: AuditView, found: Reading, when: When) -> Entry:
    # What happened to a run is told by its schedule, which has a name.
    named_by = ("schedule", str(one.detail.get("schedule", ""))) if one.entity_type == "execution" else None
    name = found.names.get(named_by or (one.entity_type, one.entity_id), "") or one.entity_id
    local = one.at.astimezone(when.zone)
    stamp = local.strftime("%Y-%m-%d %H:%M:%S ") + f"{local:%z}"[:3] + ":" + f"{local:%z}"[3:5]
    return Entry(
        id=one.id,
        actor=ACTORS.get(one.actor, one.actor),
        behalf=one.on_behalf_of or "",
        sentence=sentence(one.entity_type, one.action, one.entity_id, name, one.detail),
        moment=Moment(one.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), stamp),
        origin=_origin(one),
        changes=changes_of(one.detail),
        facts=facts_of(one.detail),
    )


def _origin(one: AuditView) -> str:
    """Return from where something was done. What tells of a log-in has its address in the detail, for admins alone."""
    address = one.address or (one.detail.get("address") if one.entity_type == "user" else None)
    return " · ".join(str(part) for part in (address, one.login) if part)


def _chain(standing: Standing, when: When) -> Chain:
    words = f"Sealed to entry {when.number(standing.position)}"
    if standing.signed is None:
        signed = "Nothing is signed outside the database yet."
    else:
        at = when.moment(standing.signed.at).text
        signed = f"Signed outside the database to entry {when.number(standing.signed.position)}, {at}."
    wrong = tuple(f"{one.message} {_ADVICE.get(one.code, '')}".strip() for one in standing.wrong)
    return Chain(words, signed, wrong)


def verdict_words(verdict: Verdict, when: When) -> str:
    """Return what a check of the whole trail found, where nothing is wrong."""
    last = verdict.begins_after + verdict.entries
    proven = f", and a signature proves it to entry {when.number(verdict.proven.position)}" if verdict.proven else ""
    return f"Verified to entry {when.number(last)}: nothing was changed, removed or cut off{proven}."
