"""How a process leaves a Prefect alone that does not answer."""

from __future__ import annotations

from deployments.outage import LONGEST_PAUSE, Outage


def test_the_first_failure_is_news_and_the_pause_grows() -> None:
    outage, now, pauses = Outage(), 0.0, []
    for number in range(12):
        assert not outage.blocks(now)
        assert outage.failed(now, 0.0) is (number == 0)
        assert outage.blocks(now)
        pauses.append(outage.quiet_until - now)
        now = outage.quiet_until
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE / 2
    assert outage.answered()
    assert not outage.blocks(now)
    assert not outage.answered(), "that is no news"


def test_what_fails_together_makes_one_pause() -> None:
    outage = Outage()
    assert outage.failed(0.0, 0.5)
    until = outage.quiet_until
    assert not outage.failed(0.01, 0.5)
    assert outage.quiet_until == until


def test_chance_spreads_the_return() -> None:
    pauses = []
    for chance in (0.0, 0.5, 0.99):
        outage = Outage(failures=4)
        outage.failed(0.0, chance)
        pauses.append(outage.quiet_until)
    assert len(set(pauses)) == 3
    assert pauses[0] >= pauses[2] / 2
