"""The permission table against its twin in Cedar: random cases, of which none may be answered differently.

The suite asks 45,000 of them, and `make access-twin` a million (`CASES=`), with another seed by `SEED=7`.
"""

from __future__ import annotations

import os
import random

import pytest

from mailroom.access.permissions import TABLE, Action, Relation
from mailroom.roles import Role
from tests.unit.access.cedar.cases import cases
from tests.unit.access.cedar.twin import POLICIES, differences, named_actions, without_policy

COUNT = int(os.environ.get("CASES", "45000"))
SEED = int(os.environ.get("SEED", "12"))


def test_every_action_has_a_policy_and_every_policy_an_action() -> None:
    missing = without_policy(Action)
    where = "write who may do it into tests/unit/access/cedar/policies.cedar, by hand and from docs/access.md"
    assert not missing, f"no policy permits {', '.join(missing)} to anybody: {where}"
    assert named_actions(POLICIES) <= set(Action)


def test_a_new_action_without_a_policy_is_named() -> None:
    without = POLICIES.replace('Action::"stop.list"', 'Action::"stop.lists"')
    assert without_policy(Action, without) == ["stop.list"]


def test_cedar_and_our_table_never_differ() -> None:
    found = differences(cases(COUNT, random.Random(SEED)))
    assert not found, f"{len(found)} of {COUNT:,} cases differ (SEED={SEED}):\n" + "\n".join(found[:10])


def test_the_cases_reach_every_cell_of_the_table() -> None:
    reached = {(case.action, case.person.role, case.relation()) for case in cases(60_000, random.Random(SEED))}
    cells = {(action, role, relation) for action in TABLE for role in Role for relation in Relation}
    assert cells - reached == set()


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("(resource.owner == principal.name || resource.everybodys", "(resource.everybodys"),
        ("when { context.scope < 3 }", "when { context.scope < 2 }"),
        ('forbid (principal in Role::"viewer"', 'forbid (principal in Role::"nobody"'),
        ('principal.grants.contains("report.define_sql")', 'principal.grants.contains("report.define_shell")'),
        ('resource != Thing::"nothing" && resource.owner != principal.name &&', 'resource != Thing::"nothing" &&'),
        ('principal.team != "" && resource.team == principal.team', "true"),
    ],
)
def test_a_changed_policy_is_found_and_the_case_is_named(text: str, without: str) -> None:
    assert text in POLICIES, "the policies are written in another way now: change this line with them"
    found = differences(cases(6_000, random.Random(SEED)), POLICIES.replace(text, without))
    assert found
    assert any(f"{action} by the " in found[0] for action in Action)
