"""A short seed of `make bench-troubled`: real processes, everything around them fails, and the checker judges.

Every trouble of the bench comes once at least, and every promise and every compared metric is judged. Only the bench
keeps each core busy besides: here the rest of the suite does, and would have to wait for it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.troubled import result, scenario
from bench.troubled.options import Options

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.xdist_group("troubled"),
    pytest.mark.skipif(sys.platform != "linux", reason="Locks and connections of processes are read from /proc."),
]


@pytest.mark.timeout(900)  # Two minutes where the machine is quiet; a start alone may take four where it is not.
def test_every_promise_is_kept_while_everything_around_fails(tmp_path: Path) -> None:
    seed = Options(
        n=12, lock_seconds=2, stop_seconds=10, merciful=True, busy_cores=False, ahead_seconds=25, seconds=400
    )
    found = scenario.run("sqlite", seed, tmp_path / "troubled")
    told = "\n".join(result.lines({"sqlite": found}))
    assert found["good"], told
    assert (found["schedules"], found["deliveries"]) == (12, 72)
    assert found["delivered"] + found["refused"] == 72
    assert found["refused"] == 5, "every 11th of 36 mails, of 12 objects and of 12 webhooks"
    assert found["left_in_between"] == found["repeated_after_confirmation"] == 0
    assert found["second_copies_after_lost_acknowledgement"] >= 1, told
    assert len(found["troubles"]) == 5
    assert found["metrics_equal"], told
    compared = found["metrics_compared"]
    assert compared["mailroom_deliveries_total"] >= 30, "six channels and five outcomes"
    assert compared["mailroom_due_to_delivered_seconds_bucket"] >= 6 * 14
    assert compared["stats.figures.channels"] >= 30
