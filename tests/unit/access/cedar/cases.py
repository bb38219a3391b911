"""Random questions of who may do what, as facts about people and things, and the answer of our table to each."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

from mailroom.access.login import narrower
from mailroom.access.permissions import GRANTABLE, Action, Relation
from mailroom.access.viewer import Viewer, role_subject, team_subject, user_subject
from mailroom.roles import WIDEST, Role, Scope

TEAMS = ("", "sales", "finance")
NOBODY = ""
"""The owner of a thing that belongs to nobody, and the team of who has none."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user."""

    name: str
    role: Role
    team: str
    grants: frozenset[str]

    def viewer(self, scope: Scope) -> Viewer:
        """Return the viewer that our code makes of this user with a key of this scope."""
        scope = narrower(scope, WIDEST[self.role])
        return Viewer(self.name, self.role, self.team or None, self.grants, scope)


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing of somebody, of everybody, or of nobody."""

    name: str
    owner: str = NOBODY
    team: str = NOBODY
    shared_with: frozenset[str] = frozenset()
    everybodys: bool = False


NOTHING = Thing("nothing")


@dataclass(frozen=True, slots=True)
class Case:
    """A question: may this person do this to this thing, with a key of this scope?"""

    person: Person
    action: Action
    thing: Thing
    scope: Scope

    def relation(self) -> Relation:
        """Return the relation of the person to the thing."""
        if self.thing is NOTHING:
            return Relation.NONE
        if self.thing.owner == self.person.name:
            return Relation.OWN
        subjects = self.person.viewer(self.scope).subjects()
        if self.thing.everybodys or self.thing.shared_with & set(subjects):
            return Relation.SHARED
        same = self.person.team and self.person.team == self.thing.team
        return Relation.SAME_TEAM if same else Relation.OTHER_TEAM

    def may(self) -> bool:
        """Return the answer of our table."""
        return self.person.viewer(self.scope).may(self.action, self.relation())

    def __str__(self) -> str:
        """Tell the case in words, for whoever has to find out which of the two is wrong."""
        person, thing = self.person, self.thing
        of = f"of {person.team}" if person.team else "of no team"
        given = f" who was given {', '.join(sorted(person.grants))}" if person.grants else ""
        facts = f"owner={thing.owner!r} team={thing.team!r} shared_with={sorted(thing.shared_with)}"
        return (
            f"{self.action} by the {person.role} {person.name} {of}{given}, with a key of the scope {self.scope}, "
            f"to {thing.name} ({facts} everybodys={thing.everybodys}; relation {self.relation()})"
        )


def people() -> list[Person]:
    """Return two people of each role, team and set of grants."""
    grants = [frozenset(some) for n in range(len(GRANTABLE) + 1) for some in itertools.combinations(GRANTABLE, n)]
    kinds = itertools.product(Role, TEAMS, grants, range(2))
    return [Person(f"user{n}", role, team, given) for n, (role, team, given, _) in enumerate(kinds)]


def things(everyone: list[Person], rng: random.Random, count: int = 400) -> list[Thing]:
    """Return two things of everyone, and things that are shared with one, two or no subjects or open to everybody."""
    subjects = [user_subject(person.name) for person in everyone]
    subjects += [*(team_subject(team) for team in TEAMS if team), *(role_subject(role) for role in Role)] * 8
    made = [Thing(f"of-{one.name}", one.name, one.team) for one in everyone]
    # What is one's own and shared with oneself as well is one's own, and nothing else.
    made += [Thing(f"of-{one.name}-2", one.name, one.team, frozenset({role_subject(one.role)})) for one in everyone]
    for number in range(count):
        shared = frozenset(rng.sample(subjects, rng.choice([0, 1, 2])))
        owner = rng.choice([*everyone, None, None])
        if owner is None:
            made.append(Thing(f"thing{number}", shared_with=shared, everybodys=rng.random() < 0.5))
        else:
            made.append(Thing(f"thing{number}", owner.name, owner.team, shared))
    return made


def cases(count: int, rng: random.Random) -> Iterator[Case]:
    """Yield this many random cases; every action comes up about equally often, and a relation of each kind often."""
    everyone = people()
    every_thing = things(everyone, rng)
    own = {one.name: [thing for thing in every_thing if thing.owner == one.name][:2] for one in everyone}
    actions, scopes = list(Action), list(Scope)
    for _ in range(count):
        person = rng.choice(everyone)
        # Each tenth thing in ten is the person's own, and three are none: both would be rare otherwise.
        match rng.randrange(10):
            case 0:
                thing = rng.choice(own[person.name])
            case 1 | 2 | 3:
                thing = NOTHING
            case _:
                thing = rng.choice(every_thing)
        yield Case(person, rng.choice(actions), thing, rng.choice(scopes))
