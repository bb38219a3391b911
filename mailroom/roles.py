"""Name the roles of users, and the scopes of what they log in with."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """The role of a user. What each may do is in `mailroom/access/permissions.py`.

    viewer: reads what is shared, and creates nothing. creator: schedules reports of their own. admin: manages
    everything of the installation.
    """

    VIEWER = "viewer"
    CREATOR = "creator"
    ADMIN = "admin"


class Scope(StrEnum):
    """The scope of a key: what of its owner's rights it gives.

    read: only look. write: also change what belongs to its owner. admin: also change what belongs to everybody, such
    as users, connections and calendars, and act for another user.
    """

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def covers(self, other: Scope) -> bool:
        """Tell whether this scope gives all that the other one gives."""
        return _ORDER.index(self) >= _ORDER.index(other)


_ORDER = [Scope.READ, Scope.WRITE, Scope.ADMIN]
WIDEST = {Role.VIEWER: Scope.READ, Role.CREATOR: Scope.WRITE, Role.ADMIN: Scope.ADMIN}
"""The widest scope that a key of a user with this role can have."""


class Source(StrEnum):
    """A kind of source whose reports run what their author writes, so that not everybody may define one."""

    SQL = "sql"
    SHELL = "shell"
