"""The hand-written policies in `policies.cedar`, asked by Cedar itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import cedarpy

from mailroom.access.permissions import Action
from mailroom.roles import Scope
from tests.unit.access.cedar.cases import NOTHING, Case, Person, Thing

POLICIES = Path(__file__).with_name("policies.cedar").read_text()
_SCOPES = {Scope.READ: 1, Scope.WRITE: 2, Scope.ADMIN: 3}
_AT_ONCE = 5_000


def named_actions(policies: str) -> set[str]:
    """Return the actions that the permits name; a forbid alone allows nothing."""
    without_comments = re.sub(r"//.*", "", policies)
    permits = re.findall(r"permit \((.*?)\)\s*(?:when|;)", without_comments, re.DOTALL)
    return {name for permit in permits for name in re.findall(r'Action::"([^"]+)"', permit)}


def without_policy(actions: Iterable[Action], policies: str = POLICIES) -> list[str]:
    """Return the actions that no policy permits to anybody."""
    return sorted(set(actions) - named_actions(policies))


def differences(asked: Iterable[Case], policies: str = POLICIES) -> list[str]:
    """Return the cases, in words, in which Cedar does not answer as our table does."""
    found, left = [], iter(asked)
    parsed = cedarpy.PolicySet.from_str(policies)
    while some := list(islice(left, _AT_ONCE)):
        answers = cedarpy.is_authorized_batch([_request(case) for case in some], parsed, _entities(some))
        found += [told for case, answer in zip(some, answers, strict=True) if (told := _compare(case, answer))]
    return found


def _compare(case: Case, answer: cedarpy.AuthzResult) -> str:
    if answer.diagnostics.errors:
        return f"{case}: Cedar cannot tell: {answer.diagnostics.errors}"
    if answer.allowed == case.may():
        return ""
    permitted = answer.diagnostics.id_annotations_by_reason
    why = f" by {', '.join(sorted(set(permitted.values())))}" if permitted else " by no policy"
    ours = "allows" if case.may() else "refuses"
    return f"{case}: our table {ours} it, Cedar {'allows' if answer.allowed else 'refuses'} it{why}"


def _request(case: Case) -> dict[str, Any]:
    return {
        "principal": f'User::"{case.person.name}"',
        "action": f'Action::"{case.action}"',
        "resource": f'Thing::"{case.thing.name}"',
        "context": {"scope": _SCOPES[case.scope]},
    }


def _entities(asked: Sequence[Case]) -> cedarpy.Entities:
    everyone = {case.person.name: case.person for case in asked}
    every_thing = {case.thing.name: case.thing for case in asked if case.thing is not NOTHING}
    entities = [_user(person) for person in everyone.values()] + [_thing(thing) for thing in every_thing.values()]
    return cedarpy.Entities.from_json_str(json.dumps(entities))


def _user(person: Person) -> dict[str, Any]:
    team = [f"team:{person.team}"] if person.team else []
    attributes = {
        "name": person.name,
        "team": person.team,
        "grants": sorted(person.grants),
        "subjects": [f"user:{person.name}", *team, f"role:{person.role}"],
    }
    uid = {"type": "User", "id": person.name}
    return {"uid": uid, "attrs": attributes, "parents": [{"type": "Role", "id": str(person.role)}]}


def _thing(thing: Thing) -> dict[str, Any]:
    attributes = {
        "owner": thing.owner,
        "team": thing.team,
        "sharedWith": sorted(thing.shared_with),
        "everybodys": thing.everybodys,
    }
    return {"uid": {"type": "Thing", "id": thing.name}, "attrs": attributes, "parents": []}
