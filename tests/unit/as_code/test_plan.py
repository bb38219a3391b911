"""What the plan promises, for any documents and anything that is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mailroom.as_code import prune
from mailroom.as_code.plan import Change, Key, Mark, Observed, Outcome, Wanted, digest, plan
from mailroom.as_code.reading import Read, read
from mailroom.as_code.spec import ORDER, Kind
from mailroom.errors import Conflict, Fault
from tests.support import documents

NAMES = ("a", "b", "c")
OURS, THEIRS = "ours", "theirs"
KNOWN = {(Kind.REPORT, "orders"), (Kind.CONNECTION, "shared")}


def calendar(name: str, title: str) -> dict[str, Any]:
    return documents.document("calendar", name, {"title": title})


def team(name: str, title: str) -> dict[str, Any]:
    return documents.document("team", name, {"name": title})


def schedule(name: str, title: str) -> Any:
    return documents.schedule(name, name=title, owner="ada@example.com")


DOCUMENT = st.tuples(st.sampled_from([calendar, team, schedule]), st.sampled_from(NAMES), st.sampled_from(["x", "y"]))
WRITTEN = st.lists(DOCUMENT, max_size=6, unique_by=lambda one: (one[0], one[1]))
MARKED = st.sampled_from([None, OURS, THEIRS])


def reads(written: list[tuple[Any, str, str]]) -> list[Read]:
    return [read(index, make(name, title), timezone="UTC") for index, (make, name, title) in enumerate(written)]


def there(one: Read, bundle: str | None, *, touched: bool = False) -> Observed:
    """Return an object as if the document had been applied to it, and perhaps been changed by hand."""
    kind, name = one.key
    owner = "ada@example.com" if kind is Kind.SCHEDULE else None
    now = digest(one.normal, owner)
    kept = digest({"before": True}) if touched else now
    mark = Mark(bundle, kind, name, f"id-{name}", digest=kept) if bundle else None
    return Observed(kind, f"id-{name}", one.normal, '"1"', now, owner=owner, state="active", mark=mark)


def allowed(_outcome: Outcome, _kind: Kind, _observed: Observed | None) -> None:
    return None


def planned(written: list[Read], observed: Mapping[Key, Observed], *, adopt: bool = False) -> list[Change]:
    return plan(written, observed, KNOWN, Wanted(OURS, adopt), allowed)


@given(WRITTEN)
def test_every_document_has_one_change_and_nothing_comes_before_what_it_refers_to(written: Any) -> None:
    found = reads(written)
    changes = planned(found, {})
    assert sorted(one.read.index for one in changes if one.read) == list(range(len(found)))
    places = [ORDER.index(one.kind) for one in changes if one.kind]
    assert places == sorted(places)
    assert {one.outcome for one in changes} <= {Outcome.CREATED}


@given(WRITTEN)
def test_what_was_applied_is_unchanged_the_next_time(written: Any) -> None:
    found = reads(written)
    observed = {one.key: there(one, OURS) for one in found}
    changes = planned(found, observed)
    assert all(one.outcome is Outcome.UNCHANGED and not one.differences and not one.by_hand for one in changes)


@settings(max_examples=200)
@given(WRITTEN, st.lists(st.tuples(DOCUMENT, MARKED, st.booleans()), max_size=6), st.booleans())
def test_nothing_of_others_is_touched_without_being_asked_for(
    written: Any, present: list[tuple[Any, str | None, bool]], adopt: bool
) -> None:
    found = reads(written)
    observed = {}
    for one, bundle, touched in present:
        (made,) = reads([one])
        observed[made.key] = there(made, bundle, touched=touched)
    for change in planned(found, observed, adopt=adopt):
        before, mark = change.observed, change.observed.mark if change.observed else None
        assert change.read is not None
        same = before is not None and before.normal == change.read.normal
        if before is None:
            assert change.outcome is Outcome.CREATED
        elif mark is not None and mark.bundle == OURS:
            assert change.outcome is (Outcome.UNCHANGED if same else Outcome.CHANGED)
            assert change.by_hand == (mark.digest != before.digest)
        elif adopt or (mark is None and same):
            assert change.outcome is Outcome.ADOPTED
        else:
            assert change.outcome is Outcome.FAILED
            assert [fault.code for fault in change.faults] == ["other_bundle" if mark else "not_from_code"]
        assert bool(change.differences) == (before is not None and not same)


@given(WRITTEN)
def test_what_the_caller_may_not_do_is_not_planned(written: Any) -> None:
    def refused(_outcome: Outcome, kind: Kind, _observed: Observed | None) -> Fault | None:
        return Fault("", "No.", code="not_permitted") if kind is Kind.SCHEDULE else None

    changes = plan(reads(written), {}, KNOWN, Wanted(OURS), refused)
    assert {one.kind for one in changes if one.outcome is Outcome.FAILED} <= {Kind.SCHEDULE}
    assert all(one.outcome is Outcome.FAILED for one in changes if one.kind is Kind.SCHEDULE)


def test_a_reference_to_nothing_fails_and_one_to_a_document_beside_it_does_not() -> None:
    timing = {"frequency": "daily", "at": "09:00", "timezone": "UTC", "calendar": "office"}
    wanted = documents.schedule(timing=timing, report_id="orders")
    (alone,) = planned([read(0, wanted, timezone="UTC")], {})
    assert [(fault.field, fault.code) for fault in alone.faults] == [("spec.timing.calendar", "no_calendar")]
    beside = [read(0, wanted, timezone="UTC"), read(1, documents.calendar(), timezone="UTC")]
    assert {one.outcome for one in planned(beside, {})} == {Outcome.CREATED}


KEYS = st.tuples(st.sampled_from(ORDER), st.sampled_from(NAMES))


@given(st.sets(KEYS), st.sets(KEYS), st.none() | st.integers(0, 20))
def test_prune_deletes_what_has_no_document_any_more_in_the_order_of_what_refers_to_it(
    marked: set[Key], stay: set[Key], limit: int | None
) -> None:
    marks = [Mark(OURS, kind, name, name) for kind, name in marked]
    going = prune.to_delete(marks, stay)
    assert {one.key for one in going} == marked - stay
    places = [ORDER.index(one.kind) for one in going]
    assert places == sorted(places, reverse=True)
    most = len(marks) / 2 if limit is None else limit
    try:
        prune.refuse_too_many(OURS, going, len(marks), limit)
    except Conflict:
        assert len(going) > most
    else:
        assert len(going) <= most
