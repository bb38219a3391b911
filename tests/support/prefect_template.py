"""Make once what every new system would make anew, and copy it: it costs seconds of CPU time each time.

An empty, migrated database of Prefect's takes 3 s, the database of the sample data 2 s. The test of the demo has them
made from nothing, as somebody who starts with Mailroom does.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from embedded import samples


def lay_out(folder: Path) -> None:
    """Put an empty, migrated `prefect.db` into the folder, unless it has one."""
    _copied(f"prefect-{version('prefect')}.db", folder / "prefect.db", _make_prefect)


def lay_out_system(data: Path) -> None:
    """Put Prefect's database and the sample data into the data folder of an embedded system, unless it has them."""
    data.parent.mkdir(parents=True, exist_ok=True)
    for folder in (data, data / "prefect"):
        folder.mkdir(mode=0o700, exist_ok=True)  # A mode with `parents` is for the last one alone.
    lay_out(data / "prefect")
    lay_out_samples(data)


def lay_out_samples(data: Path) -> None:
    """Put the sample data into the data folder of an embedded system, unless it has them."""
    (data / "samples").mkdir(mode=0o700, parents=True, exist_ok=True)
    made_by = sha256(Path(samples.__file__).read_bytes()).hexdigest()[:12]
    _copied(f"flights-{made_by}.db", data / "samples" / "flights.db", samples.load_flights)


def _copied(name: str, wanted: Path, make: Callable[[Path], None]) -> None:
    if wanted.exists():
        return
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mailroom-tests"
    cache.mkdir(parents=True, exist_ok=True)
    template = cache / name
    with (cache / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # Other processes of the suite want the same.
        if not template.exists():
            make(template)
    shutil.copyfile(template, wanted)


def _make_prefect(template: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MAILROOM_"))}
    with tempfile.TemporaryDirectory(dir=template.parent) as home:
        command = [str(Path(sys.executable).with_name("prefect")), "server", "database", "upgrade", "--yes"]
        subprocess.run(command, env={**kept, "PREFECT_HOME": home}, check=True, capture_output=True, timeout=240)
        (Path(home) / "prefect.db").rename(template)  # In one step: a template that is there is whole.
