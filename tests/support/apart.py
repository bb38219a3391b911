"""Tests whose hosts have networks of their own: each runs again, in a network that this machine gives its process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.scale.stack import hosts
from mailroom.settings import CHECKOUT


def ran_inside(request: pytest.FixtureRequest, seconds: float) -> bool:
    """Run the test again, inside, and return True; inside, return False at once.

    Where the machine gives us no networks, the test is skipped, but for CI.
    """
    if hosts.is_inside():
        return False
    if not hosts.can_be_apart():
        if os.environ.get("CI") == "true":
            pytest.fail("CI must be able to make network namespaces; it needs iproute2.")
        pytest.skip("This machine gives us no network namespaces, or has no `ip` (Debian: iproute2).")
    test = request.node.nodeid.split("@")[0]  # pytest-xdist adds the group.
    again = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", test]
    # What pytest-xdist tells its processes would make this one believe that it is one of them.
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command, environment = hosts.entering(again, outer)
    done = subprocess.run(
        command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return True
