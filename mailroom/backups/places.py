"""Say where everything is that a backup is taken from, and that it is put back to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mailroom.settings import Settings


@dataclass(frozen=True, slots=True)
class Places:
    """The two databases, by URLs with an async driver, and the files beside them."""

    ledger: str
    prefect: str
    artifacts: Path
    checkpoints: Path
    witness: Path

    @classmethod
    def of(cls, settings: Settings, prefect_url: str) -> Places:
        """Return the places of an installation."""
        return cls(
            settings.database,
            prefect_url,
            settings.artifacts_dir,
            settings.checkpoints_path,
            settings.witness_path,
        )
