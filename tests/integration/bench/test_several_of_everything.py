"""A short seed of `make bench-scale`: two of everything, and a worker and an API process are killed meanwhile."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.peak.bound import Bound
from bench.peak.sink import Sink
from bench.scale import filling, peak
from bench.scale.options import Options
from bench.scale.stack import whole

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.xdist_group("several"),
    pytest.mark.skipif(
        sys.platform != "linux" or sys.version_info >= (3, 13), reason="The Redis of the tests has no other wheel."
    ),
]


@pytest.mark.timeout(300)  # 45 s where the machine is quiet.
def test_every_report_arrives_once_while_a_worker_and_an_api_process_are_killed(tmp_path: Path) -> None:
    sink, seed = Sink(), Options(schedules=20, due=20, kills=("api", "worker"), quiet_seconds=2)
    sizes = whole.Sizes(services=1, limit=2)
    with sink.serving(), whole.running(tmp_path / "stack", sizes) as (stack, keeper):
        filling.connect(stack, sink.port)
        now, bound = datetime.now(UTC), Bound(200)
        peak.create(stack, seed, {"frequency": "immediate"}, bound)
        found = peak.watch(stack, keeper, sink, seed, bound, lambda _: None, now)
        told = f"{found}"
        assert found.get("ended_early") is None, told
        assert found["faults"] == [], told
        assert (found["delivered"], found["due"], found["kills"]) == (20, 20, 2), told
        assert found["twice"] == found["twice_after_unknown"], told
        assert keeper.deaths == ["api-2", "worker-2"], told
        assert None not in found["seconds_to_go_on"].values(), told
        assert time.time() - now.timestamp() < 180, told
