"""Define what is told about keys that others end, and to admins about secrets of the installation and the trail."""

from __future__ import annotations

from dataclasses import dataclass

from mailroom.notifications.events import Event
from mailroom.notifications.kinds import Kind


@dataclass(frozen=True, slots=True)
class SecretIsOld(Event):
    """A secret of the installation has been the same for many days; `name` is its variable."""

    name: str
    days: int

    kind = Kind.CREDENTIAL_OLD

    @property
    def title(self) -> str:
        """Return the secret and what is to be done."""
        return f"{self.name} is {self.days} days old"

    @property
    def body(self) -> str:
        """Return what to do."""
        return (
            f"{self.name} has been the same for {self.days} days. Change it: docs/keys.md says how, step by step, and "
            "what has to be restarted."
        )


@dataclass(frozen=True, slots=True)
class AuditTrailContradicted(Event):
    """The audit trail does not fit what was signed for; `why` says where."""

    why: str

    kind = Kind.TRAIL_CONTRADICTED

    @property
    def severity(self) -> str:
        """Return `error`: somebody may have tampered with it."""
        return "error"

    @property
    def title(self) -> str:
        """Return what happened."""
        return "The audit trail does not fit its checkpoints"

    @property
    def body(self) -> str:
        """Return where, and what to do."""
        return self.why


@dataclass(frozen=True, slots=True)
class KeyRevoked(Event):
    """Somebody else ended a key of the user; `prefix` is its first part."""

    name: str
    prefix: str
    who: str

    kind = Kind.CREDENTIAL_ENDING

    @property
    def title(self) -> str:
        """Return the key and what happened to it."""
        return f"The key {self.name} was revoked"

    @property
    def body(self) -> str:
        """Return who did it, and what follows."""
        return f"{self.who} revoked the key {self.name} ({self.prefix}…). What used it is refused from now on."
