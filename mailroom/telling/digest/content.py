"""Make the digest of each user from what was read. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import TypeVar

from mailroom.executions.history.norms import FEWEST
from mailroom.telling.digest.facts import DigestFacts, Doubled, Notice, Rendered, Run, Warned
from mailroom.telling.words import about, count, short

Fact = TypeVar("Fact", Notice, Run, Rendered, Doubled)
MOST = 8
"""This many issues of a kind are told one by one; the others are counted."""
SLOW_AT_LEAST = 60.0
"""A rendering that took less than this many seconds more than usual is not worth a word."""
SLOW_TIMES = 2.0
"""A rendering is slow when it took so many times as long as usual."""


@dataclass(frozen=True, slots=True)
class Issue:
    """A minor issue: `title` in a few words, `words` in sentences, `link` a path of ours or empty."""

    title: str
    words: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """The issues of a kind; `more` counts those that are not told one by one."""

    heading: str
    issues: tuple[Issue, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Digest:
    """The digest of a user; one without sections is not sent."""

    sections: tuple[Section, ...] = ()

    @property
    def total(self) -> int:
        """Return how many issues there are."""
        return sum(len(section.issues) + section.more for section in self.sections)


def digest_of(facts: Mapping[str, DigestFacts], user_id: str, timezone: str, late: timedelta) -> Digest:
    """Return the digest of a user.

    Args:
        facts: by user, as `by_user` returns them.
        late: from when a delivery was late.
    """
    mine = facts.get(user_id, DigestFacts())
    late_runs = [run for run in mine.runs if run.delivered_at - run.due_at >= late]
    in_time = [run for run in mine.runs if run.delivered_at - run.due_at < late]
    recovered = [run for run in in_time if run.attempts > 1 or run.setbacks]
    slow = [one for one in mine.renderings if is_slow(one)]
    sections = (
        _section("Warnings", [_warned(one, timezone) for one in mine.warned]),
        _section("Late, and delivered", [_late(run, timezone) for run in late_runs]),
        _section("Delivered after another try", [_recovered(run, timezone) for run in recovered]),
        _section("Slower to make than usual", [_slow(one, timezone) for one in slow]),
        _section("Possibly sent twice", [_doubled(one) for one in mine.doubled]),
        _section("Also worth knowing", [_notice(one) for one in mine.notices]),
    )
    return Digest(tuple(section for section in sections if section is not None))


def by_user(facts: DigestFacts) -> dict[str, DigestFacts]:
    """Return the facts of each user; a warning that concerns the operators is everybody's who is one."""
    notices, runs = _grouped(facts.notices), _grouped(facts.runs)
    renderings, doubled = _grouped(facts.renderings), _grouped(facts.doubled)
    warned: defaultdict[str, list[Warned]] = defaultdict(list)
    for one in facts.warned:
        for user_id in facts.operators if one.user_id is None else (one.user_id,):
            warned[user_id].append(one)
    users = {*notices, *runs, *renderings, *doubled, *warned}
    return {
        user: DigestFacts(
            notices.get(user, ()), runs.get(user, ()), renderings.get(user, ()), doubled.get(user, ()), warned[user]
        )
        for user in users
    }


def is_slow(one: Rendered) -> bool:
    """Tell whether a rendering took much longer than those before it; with too few of those nobody can say."""
    if len(one.before) < FEWEST:
        return False
    usual = median(one.before)
    return one.seconds >= usual * SLOW_TIMES and one.seconds - usual >= SLOW_AT_LEAST


def _grouped(facts: Iterable[Fact]) -> dict[str, list[Fact]]:
    found: defaultdict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        found[fact.user_id].append(fact)
    return found


def _section(heading: str, issues: Sequence[Issue]) -> Section | None:
    if not issues:
        return None
    return Section(heading, tuple(issues[:MOST]), max(0, len(issues) - MOST))


def _warned(one: Warned, timezone: str) -> Issue:
    since = f"Since {short(one.opened_at, timezone)}" + ("; it is over." if one.is_over else ".")
    return Issue(one.title, since, one.link)


def _late(run: Run, timezone: str) -> Issue:
    later = about(run.delivered_at - run.due_at)
    tries = f" One delivery took {count(run.attempts, 'try', 'tries')}." if run.attempts > 1 else ""
    words = f"Due {short(run.due_at, timezone)}, complete {later} later.{tries}"
    return Issue(run.schedule_name, words, f"/executions/{run.execution_id}")


def _recovered(run: Run, timezone: str) -> Issue:
    how = f"after {count(run.attempts, 'try', 'tries')}" if run.attempts > 1 else "though not at the first go"
    words = f"Due {short(run.due_at, timezone)}; everybody has it, {how}."
    return Issue(run.schedule_name, words, f"/executions/{run.execution_id}")


def _slow(one: Rendered, timezone: str) -> Issue:
    took, usual = (about(timedelta(seconds=seconds)) for seconds in (one.seconds, median(one.before)))
    words = f"Due {short(one.due_at, timezone)}; it took {took} to make, and usually takes {usual}."
    return Issue(one.schedule_name, words, f"/executions/{one.execution_id}")


def _doubled(one: Doubled) -> Issue:
    other = f"the new schedule \u201c{one.other_name}\u201d" if one.other_name else "a new schedule of somebody else"
    words = f"It and {other} may send the same to the same people, or write the same file."
    return Issue(one.schedule_name, words, f"/schedules/{one.schedule_id}")


def _notice(one: Notice) -> Issue:
    return Issue(one.title, one.body, f"/schedules/{one.schedule_id}" if one.schedule_id else "")
