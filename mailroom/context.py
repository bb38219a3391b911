"""Define the context of a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mailroom.access.viewer import Viewer
from mailroom.settings import Settings
from mailroom.storage.tables import User


@dataclass(frozen=True, slots=True)
class Context:
    """The context of a request: the user, the time and the settings."""

    user: User
    now: datetime
    settings: Settings

    @property
    def viewer(self) -> Viewer:
        """Return the viewer that this context reads for."""
        return Viewer(self.user.id)
