"""Make the four figures of the page Monitoring, each against its goal, with the list that it counts. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from api.actions.monitoring.reading import House, Unread
from api.web.executions.filters import Asked
from api.web.parts import Chip, Link
from api.web.when import share
from api.web.words import count
from mailroom.executions.history.course import Course
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.watching.levels.decide import COUNTED
from mailroom.watching.levels.spec import Level, Period

MET = Chip("Goal met", "circle-check", "ok")
MISSED = Chip("Below the goal", "triangle-alert", "warn")
_NOT_SAVED = (ExecutionState.PARTIAL, ExecutionState.FAILED)
_BAD = (*_NOT_SAVED, ExecutionState.MISSED)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure; `value` is "–" where there is none, and `told` says why."""

    term: str
    value: str
    told: str
    chip: Chip | None = None
    links: tuple[Link, ...] = ()


def figures_of(house: House, period: Period) -> tuple[Figure, ...]:
    """Return the figures."""
    terms = ("Runs that succeed", "Delivered within 5 min", "Failures that recover")
    if isinstance(house.levels, Unread):
        found = [Figure(term, "–", why(house.levels)) for term in terms]
    else:
        found = [
            _success(terms[0], house.levels.success, period),
            _on_time(terms[1], house.levels.on_time, period),
            _recovery(terms[2], house.levels.recovery, period),
        ]
    return (*found, _incidents(house.open_incidents))


def why(unread: Unread) -> str:
    """Return why something is not there."""
    return (
        "The database did not answer this question. Load the page again; if it stays, tell whoever runs Mailroom the "
        f"number {unread.error_id[:8]}."
    )


def _success(term: str, level: Level, period: Period) -> Figure:
    bad = level.total - level.good
    links = [_runs(period, COUNTED, "See these runs")]
    if bad:
        links.append(_runs(period, _BAD, f"See the {count(bad, 'other')}"))
    return _level(term, level, "run", *links)


def _on_time(term: str, level: Level, period: Period) -> Figure:
    links = [_runs(period, COUNTED, "See these runs")]
    if level.good < level.total:
        links.append(_went(period, Course.LATE, "See those that came late"))
    return _level(term, level, "run", *links)


def _recovery(term: str, level: Level, period: Period) -> Figure:
    if not level.total:
        return Figure(term, "–", f"Nothing failed, so nothing had to recover. {_goal(level)}")
    bad = level.total - level.good
    links = [_runs(period, _NOT_SAVED, f"See the {count(bad, 'run')} that did not")] if bad else []
    if level.good:
        links.append(_went(period, Course.RECOVERED, "See those that did"))
    return _level(term, level, "failure", *links)


def _level(term: str, level: Level, noun: str, *links: Link) -> Figure:
    if not level.total:
        return Figure(term, "–", f"Nothing that counts has ended yet. {_goal(level)}")
    told = f"{level.good:,} of {count(level.total, noun)}. {_goal(level)}"
    return Figure(term, share(level.good, level.total), told, MET if level.met else MISSED, links)


def _goal(level: Level) -> str:
    return f"Goal: {100 * level.goal:g} %." if level.goal is not None else ""


def _runs(period: Period, states: tuple[ExecutionState, ...], words: str) -> Link:
    return Link(Asked(states=states, kinds=(ExecutionKind.SCHEDULED,), period=str(period)).href(), words)


def _went(period: Period, course: Course, words: str) -> Link:
    return Link(Asked(course=course, kinds=(ExecutionKind.SCHEDULED,), period=str(period)).href(), words)


def _incidents(found: int | Unread) -> Figure:
    term = "Open incidents"
    if isinstance(found, Unread):
        return Figure(term, "–", why(found))
    if not found:
        return Figure(term, "0", "Nothing is wrong that Mailroom knows of.", Chip("All well", "circle-check", "ok"))
    return Figure(
        term,
        f"{found:,}",
        "The goal is none.",
        Chip("Needs a look", "triangle-alert", "warn"),
        (Link("#incidents", "See what is wrong"),),
    )
