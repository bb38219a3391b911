"""Say what a backup holds: its parts with their checksums, when each was taken, and which keys are needed for it.

The manifest holds no secret: of a key it has a fingerprint, of a database neither address nor password. It is written
last, so that a folder without one is a backup that was broken off.
"""

from __future__ import annotations

import hashlib
import stat
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mailroom.errors import Invalid
from prefect_mailroom.durable import replace_file

FORMAT = 1
NAME = "manifest.json"
ARTIFACTS = "artifacts"
LEDGER = "ledger"
PREFECT = "prefect"
CHECKPOINTS = "checkpoints"
_CHUNK = 2**20

Kind = Literal["sqlite", "postgres", "file"]


class Part(BaseModel):
    """One file of the backup."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="`ledger`, `prefect` or `checkpoints`.")
    kind: Kind
    file: str
    bytes: int
    sha256: str
    taken_at: datetime = Field(description="The part holds everything that was committed before this instant.")
    schema_version: str = Field(default="", description="The version of the tables.")


class ArtifactsPart(BaseModel):
    """The rendered files: how many there are, and a digest of their names, each of which is a digest of its content."""

    model_config = ConfigDict(frozen=True)

    files: int
    bytes: int
    names_sha256: str
    taken_at: datetime


class NeededKey(BaseModel):
    """A key that the backup does not hold, and without which a part of it is of no use."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="The variable that has it.")
    fingerprint: str = Field(description="Empty where the key was not known to who made the backup.")
    needed_for: str


class Manifest(BaseModel):
    """The list of a backup's contents, which lies beside them."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    mailroom: str
    prefect: str
    made_at: datetime
    ledger_id: str
    parts: list[Part]
    artifacts: ArtifactsPart
    keys: list[NeededKey]
    key_in_database: bool = Field(description="Whether Prefect keeps the key of its blocks in its own database.")

    def part(self, name: str) -> Part | None:
        """Return the part of this name, or None where the backup has none."""
        return next((one for one in self.parts if one.name == name), None)


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest for its owner alone."""
    replace_file(folder / NAME, (manifest.model_dump_json(indent=2) + "\n").encode(), mode=0o600)


def read(folder: Path) -> Manifest:
    """Return the manifest of a backup.

    Raises:
        Invalid: the folder has none, or one that this version does not understand.
    """
    try:
        found = Manifest.model_validate_json((folder / NAME).read_bytes())
    except FileNotFoundError:
        raise Invalid.at(
            "FOLDER",
            f"{folder} has no {NAME}: it is no backup, or one that was broken off.",
            "Name the folder of a finished backup.",
        ) from None
    except ValidationError as error:
        raise Invalid.at("FOLDER", f"{folder / NAME} is damaged.", "Use another backup.") from error
    if found.format != FORMAT:
        message = f"The backup has the format {found.format}; this version knows {FORMAT}."
        raise Invalid.at("FOLDER", message, f"Restore it with Mailroom {found.mailroom}.")
    return found


def digest_of(path: Path) -> tuple[int, str]:
    """Return the size and the SHA-256 of a file, reading it in pieces."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def is_private(path: Path) -> bool:
    """Tell whether nobody but its owner can read a file or a folder."""
    return not stat.S_IMODE(path.stat().st_mode) & 0o077
