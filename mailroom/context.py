"""Define the context of a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mailroom.access.viewer import Viewer, viewer_of
from mailroom.roles import Scope
from mailroom.settings import Settings
from mailroom.storage.tables import User


@dataclass(frozen=True, slots=True)
class Origin:
    """From where somebody acts: the address of the peer, and what was logged in with, such as the prefix of a key."""

    address: str | None = None
    login: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """The context of a request: the user, the time and the settings.

    Attributes:
        scope: the scope of what the user has logged in with.
        acted_by: the admin who acts for the user, where one does.
        origin: from where the request came.
    """

    user: User
    now: datetime
    settings: Settings
    scope: Scope = Scope.ADMIN
    acted_by: User | None = None
    origin: Origin = Origin()

    @property
    def actor(self) -> User:
        """Return who acts: the user, or the admin who acts for the user."""
        return self.acted_by or self.user

    @property
    def who(self) -> str:
        """Return how others are told who it was: the name of the user, or the address where there is no name."""
        return self.user.name or self.user.email

    @property
    def viewer(self) -> Viewer:
        """Return the viewer that this context reads for."""
        return viewer_of(self.user, self.scope)
