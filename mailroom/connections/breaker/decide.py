"""Decide when a breaker opens, which attempts try the connection, and when it closes again. Pure: time is passed in.

closed -> open         7 of 10 attempts, or more, failed within five minutes
open -> half_open      30 s later; then the wait doubles with each trip in a row, up to half an hour
half_open -> closed    five attempts worked, the first of which was alone
half_open -> open      one failed: another trip in a row, unless `reach` had brought the trial forward
half_open -> disabled  that was the tenth
any -> disabled        the far side says that it is gone for good
any -> closed          a person enables the connection
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from mailroom.states import BreakerState, Moves

WINDOW = timedelta(minutes=5)
LEAST_ATTEMPTS = 10
FAILED_SHARE = 0.7
FIRST_PROBE, LONGEST_PROBE = timedelta(seconds=30), timedelta(minutes=30)
PAUSE = timedelta(minutes=5)
"""For so long nobody reaches for a far side that answered and did not work all the same."""
SUCCESSES = 5
MOST_TRIPS = 10

_S = BreakerState


class Cause(StrEnum):
    """Name the cause of a move of a breaker."""

    FAILURES = "failures"
    TIME = "time"
    SUCCESSES = "successes"
    GONE = "gone"
    PERSON = "person"


def _by(*causes: Cause) -> frozenset[Cause]:
    return frozenset(causes)


ALLOWED: Moves[BreakerState, Cause] = Moves(
    "breaker",
    {
        _S.CLOSED: {_S.OPEN: _by(Cause.FAILURES), _S.DISABLED: _by(Cause.GONE)},
        _S.OPEN: {_S.HALF_OPEN: _by(Cause.TIME), _S.DISABLED: _by(Cause.GONE), _S.CLOSED: _by(Cause.PERSON)},
        _S.HALF_OPEN: {
            _S.CLOSED: _by(Cause.SUCCESSES, Cause.PERSON),
            _S.OPEN: _by(Cause.FAILURES),
            _S.DISABLED: _by(Cause.FAILURES, Cause.GONE),
        },
        _S.DISABLED: {_S.CLOSED: _by(Cause.PERSON)},
    },
)


class Sign(StrEnum):
    """Say how an attempt ended for its connection. An end that only concerns one recipient is `works`."""

    WORKS = "works"
    FAILS = "fails"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Breaker:
    """Hold the state of a breaker, and what decides about its next one.

    Attributes:
        since: since when it is in its state.
        trips: how often in a row it opened.
        probe_at: while it is open, when the next attempt may try the connection. While it is half open since `reach`
            brought the trial forward, when that would have been due.
        under_way: while it is half open, how many attempts try it now; after `under_way_until` they count as dead.
        under_way_until: while it is open, until when nobody reaches for the far side (again); after `probe_at` where
            the trial was brought forward, and then the time at which it would have been due.
        succeeded: how many of those have worked.
    """

    state: BreakerState
    since: datetime
    trips: int = 0
    probe_at: datetime | None = None
    under_way: int = 0
    under_way_until: datetime | None = None
    succeeded: int = 0

    def __post_init__(self) -> None:
        """Refuse an open breaker that nobody could ever try."""
        if self.state is _S.OPEN and self.probe_at is None:
            raise ValueError("An open breaker says when it is tried.")


def trips(worked: int, failed: int) -> bool:
    """Tell whether so many attempts within the window open a closed breaker."""
    total = worked + failed
    return total >= LEAST_ATTEMPTS and failed >= FAILED_SHARE * total


def room(breaker: Breaker, *, now: datetime) -> int:
    """Return how many more attempts may try the connection now. A closed breaker is not asked."""
    match breaker.state:
        case _S.OPEN:
            return 1 if breaker.probe_at is not None and breaker.probe_at <= now else 0
        case _S.HALF_OPEN:
            dead = breaker.under_way_until is None or breaker.under_way_until <= now
            most = SUCCESSES - breaker.succeeded if breaker.succeeded else 1
            return most - (0 if dead else breaker.under_way)
    return 0


def admit(breaker: Breaker, *, now: datetime, lasts: timedelta) -> Breaker | None:
    """Return the breaker with one more attempt that tries the connection, or None where it has to wait.

    Args:
        lasts: how long the attempt may take; after that it counts as dead.
    """
    if room(breaker, now=now) < 1:
        return None
    until = now + lasts
    if breaker.state is _S.OPEN:
        half = _moved(breaker, _S.HALF_OPEN, Cause.TIME, now)
        due_at = breaker.under_way_until if brought_forward(breaker) else None
        return replace(half, under_way=1, under_way_until=until, succeeded=0, probe_at=due_at)
    dead = breaker.under_way_until is None or breaker.under_way_until <= now
    last = until if dead or breaker.under_way_until is None else max(until, breaker.under_way_until)
    return replace(breaker, under_way=1 if dead else breaker.under_way + 1, under_way_until=last)


def brought_forward(breaker: Breaker) -> bool:
    """Tell whether the trial of an open breaker is due before its time, since the far side was reached."""
    quiet_until, probe_at = breaker.under_way_until, breaker.probe_at
    return quiet_until is not None and probe_at is not None and quiet_until > probe_at


def opened(breaker: Breaker, *, now: datetime, refused: bool = False) -> Breaker:
    """Return the breaker after one more trip, which may be its last.

    Args:
        refused: whether the far side refused how we came, such as a password: that is not to be repeated in between.
    """
    trips_now = breaker.trips + 1
    if breaker.state is _S.HALF_OPEN and trips_now >= MOST_TRIPS:
        return replace(_moved(breaker, _S.DISABLED, Cause.FAILURES, now), trips=trips_now)
    wait = min(FIRST_PROBE * 2 ** min(breaker.trips, MOST_TRIPS), LONGEST_PROBE)
    # At once, since a breaker that is open has to say when it is tried.
    ALLOWED.check(breaker.state, _S.OPEN, Cause.FAILURES)
    return Breaker(_S.OPEN, now, trips=trips_now, probe_at=now + wait, under_way_until=now + wait if refused else None)


def tried(breaker: Breaker, sign: Sign | None, *, now: datetime, refused: bool = False) -> Breaker:
    """Return the breaker after an attempt that tried the connection has ended; without a sign it told nothing.

    An attempt that was taken for dead, or that ends when others have decided already, changes nothing.

    Args:
        refused: see `opened`.
    """
    if sign is Sign.GONE:
        return gone(breaker, now=now)
    if breaker.state is not _S.HALF_OPEN:
        return breaker
    left = replace(breaker, under_way=max(0, breaker.under_way - 1))
    match sign:
        case Sign.FAILS if left.probe_at is not None and left.probe_at > now:
            return _open_as_before(left, left.probe_at, now=now, refused=refused)
        case Sign.FAILS:
            return opened(left, now=now, refused=refused)
        case Sign.WORKS if left.succeeded + 1 >= SUCCESSES:
            return closed(left, Cause.SUCCESSES, now=now)
        case Sign.WORKS:
            return replace(left, succeeded=left.succeeded + 1)
    return left


def _open_as_before(breaker: Breaker, due_at: datetime, *, now: datetime, refused: bool) -> Breaker:
    """Return the breaker after a trial that was brought forward failed: no trip, and the next one is due as it was.

    So a far side that can be reached, and takes nothing, is disabled no sooner than one that is down.
    """
    ALLOWED.check(breaker.state, _S.OPEN, Cause.FAILURES)
    quiet_until = due_at if refused else min(due_at, now + PAUSE)
    return Breaker(_S.OPEN, now, trips=breaker.trips, probe_at=due_at, under_way_until=quiet_until)


def gone(breaker: Breaker, *, now: datetime) -> Breaker:
    """Return the breaker after the far side has said that it is gone for good."""
    return _moved(breaker, _S.DISABLED, Cause.GONE, now)


def closed(breaker: Breaker, cause: Cause, *, now: datetime) -> Breaker:
    """Return the breaker closed, with nothing left of what was before."""
    return replace(_moved(breaker, _S.CLOSED, cause, now), trips=0)


def _moved(breaker: Breaker, state: BreakerState, cause: Cause, now: datetime) -> Breaker:
    if breaker.state is state:
        return breaker
    ALLOWED.check(breaker.state, state, cause)
    return Breaker(state, now, trips=breaker.trips)
