"""Look whether a backup is whole, and whether it can be used here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mailroom.backups import artifact_files, databases, manifest
from mailroom.backups.manifest import Manifest
from mailroom.secrets import rotation


@dataclass
class Verdict:
    """The result of a check: `faults` make the backup useless, `warnings` are to be known."""

    manifest: Manifest
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check(folder: Path, keys: Mapping[str, str], *, tell: Callable[[str, int, int], None]) -> Verdict:
    """Read every byte of a backup, and compare it with its manifest. Blocking.

    Args:
        keys: the keys of this installation, by their variables.

    Raises:
        Invalid: the folder is no backup.
    """
    found = manifest.read(folder)
    verdict = Verdict(found)
    for number, part in enumerate(found.parts, start=1):
        tell("databases", number, len(found.parts))
        path = folder / part.file
        if not path.is_file():
            verdict.faults.append(f"{part.file} is missing.")
        elif manifest.digest_of(path) != (part.bytes, part.sha256):
            verdict.faults.append(f"{part.file} is not what was written: its checksum is another.")
        elif part.kind != "file" and (fault := databases.fault_of(part.kind, path)):
            verdict.faults.append(f"{part.file} is damaged: {fault}")
    verdict.faults += [
        f"The backup has no {name}." for name in (manifest.LEDGER, manifest.PREFECT) if found.part(name) is None
    ]
    files, wrong = artifact_files.damaged(
        folder / manifest.ARTIFACTS, lambda done, total: tell("rendered files", done, total)
    )
    verdict.faults += [f"The rendered file {name} is not what was written." for name in wrong[:5]]
    if len(wrong) > 5:
        verdict.faults.append(f"{len(wrong) - 5} more rendered files are not what was written.")
    if files.part(found.artifacts.taken_at) != found.artifacts and not wrong:
        verdict.faults.append(f"There are {files.files} rendered files instead of the {found.artifacts.files} written.")
    verdict.warnings = [*_of_keys(found, keys), *_of_access(folder)]
    return verdict


def _of_keys(found: Manifest, keys: Mapping[str, str]) -> list[str]:
    warnings = []
    for one in found.keys:
        here = keys.get(one.name, "")
        if not here:
            warnings.append(f"{one.name} is not known here; it is needed for {one.needed_for}.")
        elif one.fingerprint and rotation.fingerprint(here) != one.fingerprint:
            warnings.append(
                f"{one.name} is another than when the backup was made ({one.fingerprint}); the former one is needed "
                f"for {one.needed_for}."
            )
    if found.key_in_database:
        warnings.append(
            "Prefect keeps the key of its blocks in its own database, so the backup holds it beside what it opens. Set "
            "PREFECT_SERVER_ENCRYPTION_KEY and run `mailroom keys rotate`."
        )
    return warnings


def _of_access(folder: Path) -> list[str]:
    if manifest.is_private(folder):
        return []
    return [f"{folder} can be read by other users of this machine. Run: chmod -R go= {folder}"]
