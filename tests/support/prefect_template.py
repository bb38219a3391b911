"""An empty database of Prefect, migrated once for each of its versions: that is 3 s of CPU less for each server."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path


def lay_out(folder: Path) -> None:
    """Put an empty, migrated `prefect.db` into the folder, unless it has one."""
    wanted = folder / "prefect.db"
    if wanted.exists():
        return
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mailroom-tests"
    cache.mkdir(parents=True, exist_ok=True)
    template = cache / f"prefect-{version('prefect')}.db"
    with (cache / f"{template.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # Other processes of the suite want the same.
        if not template.exists():
            _make(template)
    shutil.copyfile(template, wanted)


def _make(template: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MAILROOM_"))}
    with tempfile.TemporaryDirectory(dir=template.parent) as home:
        command = [str(Path(sys.executable).with_name("prefect")), "server", "database", "upgrade", "--yes"]
        subprocess.run(command, env={**kept, "PREFECT_HOME": home}, check=True, capture_output=True, timeout=240)
        (Path(home) / "prefect.db").rename(template)  # In one step: a template that is there is whole.
