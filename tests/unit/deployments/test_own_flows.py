"""The deployments of our own flows are the same in prefect.yaml and where `mailroom init` makes them."""

from __future__ import annotations

from typing import Any

import yaml
from prefect.flows import load_flow_from_entrypoint

from deployments.sync.desired_own import OWN_FLOWS
from mailroom.settings import CHECKOUT


def _written() -> dict[str, dict[str, Any]]:
    written = yaml.safe_load((CHECKOUT / "prefect.yaml").read_text())
    return {one["name"]: one for one in written["deployments"]}


def test_each_stands_in_prefect_yaml_as_it_is_made() -> None:
    written = _written()
    assert {*written} - {"by-hand", "carrier-punctuality"} == {flow.name for flow in OWN_FLOWS}
    for flow in OWN_FLOWS:
        one = written[flow.name]
        assert one["entrypoint"] == flow.entrypoint
        assert one["tags"] == [flow.tag]
        assert one["schedules"] == [{"slug": flow.slug, "cron": flow.cron, "timezone": flow.schedule.timezone}]


def test_each_flow_is_where_its_entrypoint_says_and_has_its_name() -> None:
    for flow in OWN_FLOWS:
        assert load_flow_from_entrypoint(str(CHECKOUT / flow.entrypoint)).name == flow.name
