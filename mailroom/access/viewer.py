"""Define the viewer: every read that shows users their objects is made for one, and every change asks one.

Each noun has one function `visible_to(viewer)` in its repository, which returns the SQL condition of the rows that the
viewer may see; every list and every look-up for users applies it. A look-up of one thing also takes what is to be done
with it (`doing`), and refuses what the viewer may see and not do; see `mailroom.access.permissions`.

What Mailroom reads for its own work is not read for a user. Such code says so in one of two ways: it passes `SYSTEM`
where it uses a read that users share, or it calls a function without a viewer, which is internal: `find` and `by_ids`
of schedules, `get` of executions, `find` and `named` of calendars, and all that is looked up by ids of rows that the
viewer was shown already (names, counts, deliveries, attempts, files). Nothing in `api` may call an internal look-up by
an id that came from outside; a test of the house holds that.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.access.permissions import TABLE, Action, Relation, allows, allows_any
from mailroom.errors import Forbidden
from mailroom.roles import Role, Scope
from mailroom.storage.tables import User


@dataclass(frozen=True, slots=True)
class Viewer:
    """The one who looks or acts: a user with a role and a team, and the scope of what the user has logged in with.

    `grants` names the permissions that the user has besides those of the role.
    """

    user_id: str
    role: Role = Role.VIEWER
    team: str | None = None
    grants: frozenset[str] = frozenset()
    scope: Scope = Scope.ADMIN

    @property
    def sees_all(self) -> bool:
        """Return whether there is nothing that this viewer may not see."""
        return self.role is Role.ADMIN

    def subjects(self) -> tuple[str, ...]:
        """Return what something can be shared with so that this viewer sees it."""
        team = (team_subject(self.team),) if self.team else ()
        return (user_subject(self.user_id), *team, role_subject(self.role))

    def relation_to(self, owner_id: str | None) -> Relation:
        """Return the relation to something that this viewer was shown: all that is not own was shared."""
        return Relation.OWN if owner_id == self.user_id else Relation.SHARED

    def may(self, action: Action, relation: Relation = Relation.NONE) -> bool:
        """Tell whether this viewer may do an action to a thing in this relation."""
        allowed = allows(action, self.role, relation) or action in self.grants
        return allowed and self.scope.covers(TABLE[action].scope)

    def require(self, action: Action, relation: Relation = Relation.NONE) -> None:
        """Refuse an action that this viewer may not do.

        Raises:
            Forbidden: the role, or the scope of the key, does not have it.
        """
        if not self.may(action, relation):
            raise self._refusal(action, "" if relation is Relation.NONE else f" Here you would do it to: {relation}.")

    def require_any(self, action: Action) -> None:
        """Refuse an action that this viewer may do to nothing at all.

        Raises:
            Forbidden: see `require`.
        """
        allowed = allows_any(action, self.role) or action in self.grants
        if not (allowed and self.scope.covers(TABLE[action].scope)):
            raise self._refusal(action, "")

    def _refusal(self, action: Action, more: str) -> Forbidden:
        rule = TABLE[action]
        if not self.scope.covers(rule.scope):
            message = f"The key has the scope {self.scope}, and the permission {action} needs {rule.scope}."
            return Forbidden(
                message, remedy="Use a key of that scope, if the role of its owner allows one.", code="not_permitted"
            )
        message = f"The role {self.role} does not have the permission {action}.{more}"
        return Forbidden(message, remedy="Ask an admin; docs/access.md lists who may do what.", code="not_permitted")


def user_subject(user_id: str) -> str:
    """Return the subject of a user."""
    return f"user:{user_id}"


def team_subject(team_id: str) -> str:
    """Return the subject of a team."""
    return f"team:{team_id}"


def role_subject(role: Role) -> str:
    """Return the subject of everybody with a role."""
    return f"role:{role}"


def viewer_of(user: User, scope: Scope = Scope.ADMIN) -> Viewer:
    """Return the viewer that a user is. One that is not stored, and so has no role, creates and no more."""
    return Viewer(user.id, user.role or Role.CREATOR, user.team_id, frozenset(user.grants or ()), scope)


SYSTEM = Viewer("mailroom", Role.ADMIN)
"""Mailroom itself, and the operator's own commands on the machine: they see everything."""
