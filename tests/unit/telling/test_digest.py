"""What a digest says, from facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mailroom.telling.digest.content import MOST, Digest, by_user, digest_of, is_slow
from mailroom.telling.digest.facts import DigestFacts, Doubled, Notice, Rendered, Run, Warned

LATE = timedelta(minutes=30)
DUE = datetime(2026, 11, 26, 8, tzinfo=UTC)
RUN = Run("ada", "s1", "Weekly sales", "e1", DUE, DUE + timedelta(minutes=2), attempts=3, setbacks=0)


def of(facts: DigestFacts, user: str = "ada") -> Digest:
    return digest_of(by_user(facts), user, "Europe/Berlin", LATE)


def headings(digest: Digest) -> list[str]:
    return [section.heading for section in digest.sections]


def test_somebody_without_issues_gets_an_empty_digest() -> None:
    assert of(DigestFacts(runs=[RUN]), "bob").sections == ()
    assert of(DigestFacts()).total == 0


def test_a_run_that_recovered_in_time_is_not_called_late() -> None:
    recovered, late = of(DigestFacts(runs=[RUN])), replace(RUN, delivered_at=DUE + LATE)
    assert [len(section.issues) for section in recovered.sections] == [1]
    assert headings(of(DigestFacts(runs=[late]))) != headings(recovered)
    assert of(DigestFacts(runs=[late])).total == 1  # And not twice, though it took three tries as well.
    assert of(DigestFacts(runs=[replace(RUN, attempts=1)])).sections == ()
    assert of(DigestFacts(runs=[replace(RUN, attempts=1, setbacks=1)])).total == 1


def test_slow_is_twice_as_long_as_usual_and_a_minute_longer() -> None:
    rendered = Rendered("ada", "s1", "Weekly sales", "e1", DUE, seconds=180, before=(60.0, 80.0, 90.0))
    assert is_slow(rendered)
    assert not is_slow(replace(rendered, seconds=150))
    assert not is_slow(replace(rendered, seconds=50, before=(1.0, 1.0, 1.0)))
    assert not is_slow(replace(rendered, before=(1.0, 1.0)))  # Nobody knows what is usual.


def test_warnings_for_operators_reach_operators_and_nobody_else() -> None:
    facts = DigestFacts(warned=[Warned(None, "The disk is filling up", DUE, is_over=True)], operators=frozenset({"op"}))
    assert of(facts, "op").total == 1
    assert of(facts, "ada").total == 0


def test_many_issues_of_a_kind_are_counted() -> None:
    notices = [Notice("ada", DUE, f"Issue {number}", "Words.", None) for number in range(MOST + 5)]
    (section,) = of(DigestFacts(notices=notices)).sections
    assert (len(section.issues), section.more) == (MOST, 5)


def test_a_schedule_of_somebody_else_has_no_name_here() -> None:
    mine = Doubled("ada", "s1", "Weekly sales", "Sales again")
    (named,) = of(DigestFacts(doubled=[mine])).sections[0].issues
    (unnamed,) = of(DigestFacts(doubled=[replace(mine, other_name="")])).sections[0].issues
    assert "Sales again" in named.words
    assert named.words != unnamed.words
