"""`scripts/venv.sh`, run as `make setup` runs it: on a Python that fits, on one that does not, and with none at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mailroom.settings import CHECKOUT

UV_VERSION = next(
    line.split()[-1] for line in (CHECKOUT / "Makefile").read_text().splitlines() if line.startswith("UV_VERSION")
)
# Answers as a Python 3.14 would where its version is asked for, and is this Python in everything else.
NEWER = """#!/bin/sh
case "$1 $2" in
  "--version ") echo "Python 3.14.1" ;;
  "-c import sys; sys.exit"*) exit 1 ;;
  *) exec "{python}" "$@" ;;
esac
"""


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """A folder with the only `python3` of a machine, which is too new."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3").write_text(NEWER.format(python=sys.executable))
    (folder / "python3").chmod(0o755)
    return folder


def make(folder: Path, python: str, path: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script on that PATH, with nothing that a home could hold."""
    environment = {name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "SSL_", "LANG"))}
    environment |= {"PATH": path, "HOME": str(folder), "UV_SYSTEM_CERTS": "1", **variables}
    command = [str(CHECKOUT / "scripts/venv.sh"), str(folder / ".venv"), python, UV_VERSION]
    return subprocess.run(
        command, env=environment, cwd=folder, check=False, capture_output=True, text=True, timeout=240
    )


def version(folder: Path) -> tuple[int, int]:
    """Return the version of the Python in the environment that was made."""
    code = "import sys; print(*sys.version_info[:2])"
    said = subprocess.run([folder / ".venv/bin/python", "-c", code], check=True, capture_output=True, text=True).stdout
    major, minor = said.split()
    return int(major), int(minor)


def test_on_a_newer_python_another_one_of_the_machine_is_found(tmp_path: Path, newer: Path) -> None:
    done = make(tmp_path, "python3", f"{newer}:{Path(sys.base_prefix) / 'bin'}:/usr/bin:/bin")

    assert done.returncode == 0, done.stderr
    assert "Python 3.14.1 is not one" in done.stderr
    assert (3, 11) <= version(tmp_path) <= (3, 13)
    assert (tmp_path / ".venv/bin/uv").exists()


def test_where_none_can_be_fetched_it_says_what_to_install(tmp_path: Path, newer: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "dirname", "mkdir", "rm", "test"):
        (tools / name).symlink_to(f"/bin/{name}")
    # An interpreter that could be found is none here: only what uv manages counts, and nothing can be downloaded.
    done = make(
        tmp_path, "python3", f"{newer}:{tools}",
        UV_PYTHON_PREFERENCE="only-managed", UV_PYTHON_INSTALL_MIRROR="http://127.0.0.1:9", UV_HTTP_RETRIES="0",
    )  # fmt: skip

    assert done.returncode == 1
    assert "apt install python3.13" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_without_any_python_it_says_so(tmp_path: Path) -> None:
    done = make(tmp_path, "python-of-nobody", "/usr/bin:/bin")

    assert done.returncode == 1
    assert "There is no python-of-nobody" in done.stderr


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere; an ordinary user runs this")
def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir(mode=0o500)
    uv = [str(CHECKOUT / "scripts/uv.sh"), str(Path(sys.executable).with_name("uv"))]
    command = [*uv, "pip", "install", "--dry-run", "--python", sys.executable, "pytest"]
    environment = {**os.environ, "UV_CACHE_DIR": str(tmp_path / "cache")}

    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "cannot be written" in done.stderr
