"""A short seed of `make bench-scale`: two of everything on two hosts, of which one is cut off meanwhile."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.peak.bound import Bound
from bench.peak.sink import Sink
from bench.scale import filling, peak
from bench.scale.kills import CUT_SECONDS
from bench.scale.options import Options
from bench.scale.stack import whole
from bench.scale.stack.hosts import Hosts
from tests.support.apart import ran_inside

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.xdist_group("several"),
    pytest.mark.skipif(
        sys.platform != "linux" or sys.version_info >= (3, 13), reason="The Redis of the tests has no other wheel."
    ),
]


@pytest.mark.timeout(400)  # 100 s where the machine is quiet. `make bench-scale` tells how late reports come.
def test_every_report_arrives_once_while_processes_are_killed_and_a_host_is_cut_off(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if ran_inside(request, 390):
        return
    # The API process is of the host that is cut off after it; the worker is the other host's.
    sink, seed = Sink(), Options(schedules=20, due=20, kills=("api", "network", "worker"), quiet_seconds=2)
    sizes, hosts = whole.Sizes(services=2, limit=2), Hosts(apart=True)
    with whole.running(tmp_path / "stack", sizes, hosts=hosts) as (stack, keeper), sink.serving(hosts.middle):
        filling.connect(stack, sink.port)
        now, bound = datetime.now(UTC), Bound(300)
        peak.create(stack, seed, {"frequency": "immediate"}, bound)
        found = peak.watch(stack, keeper, sink, seed, bound, lambda _: None, now)
        told = f"{found}"
        assert found.get("ended_early") is None, told
        assert found["faults"] == [], told
        assert (found["delivered"], found["due"], found["kills"]) == (20, 20, 3), told
        assert found["twice"] == found["twice_after_unknown"], told
        assert keeper.deaths == ["api-2", "worker-1"], told
        assert None not in found["seconds_to_go_on"].values(), told
        assert found["touched_by_kill"]["network"] > 0, told
        assert found["seconds_until_back"]["network"] > CUT_SECONDS, told
        assert time.time() - now.timestamp() < 240, told
