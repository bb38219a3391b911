"""Who asks for something, when, and under which settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mailroom.access.viewer import Viewer
from mailroom.settings import Settings
from mailroom.storage.tables import User


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, when, and under which settings."""

    user: User
    now: datetime
    settings: Settings

    @property
    def viewer(self) -> Viewer:
        """Return the viewer that this context reads for."""
        return Viewer(self.user.id)
