"""Read compose.yaml as Compose itself does, and turn its services into processes of this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts.image import dockerfile
from tests.support.production.stack import Service
from tests.support.production.stores import ROOT, WHY

FILE = ROOT / "deploy/compose.yaml"
BIN = Path(sys.executable).parent


def run(*words: str, secrets: Path | None) -> subprocess.CompletedProcess[str]:
    """Call Compose on the file; it needs no Docker for what only reads."""
    program = shutil.which("docker-compose", path=str(BIN))
    if program is None:
        pytest.skip(WHY)
    kept = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    named = {"MAILROOM_SECRETS": str(secrets)} if secrets else {}
    named["MAILROOM_OWNER_EMAIL"] = "ada@reports.test"
    command = [program, "--file", str(FILE), *words]
    return subprocess.run(command, env=kept | named, capture_output=True, text=True, timeout=60, check=False)


def resolved(secrets: Path) -> dict[str, Any]:
    """Return the file with everything that it refers to put in."""
    done = run("config", "--format", "json", secrets=secrets)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def image() -> dockerfile.Stage:
    """Return the stage that the image is."""
    return dockerfile.read((ROOT / "deploy/Dockerfile").read_text())[-1]


def service(name: str, whole: Mapping[str, Any], places: Mapping[str, str], more: Mapping[str, str]) -> Service:
    """Return one service of ours as a process.

    Args:
        places: what stands in the file and in the image -> what it is on this machine.
        more: further variables.
    """
    one = whole["services"][name]

    def here(text: str) -> str:
        for there, place in places.items():
            text = re.sub(there, place, text)
        return text

    words = [*image().command("ENTRYPOINT"), *(one.get("command") or image().command("CMD"))]
    test = (one.get("healthcheck") or {}).get("test") or []
    variables = image().environment() | (one.get("environment") or {})
    variables = {key: here(value) for key, value in variables.items() if value is not None}
    variables |= {"PATH": f"{BIN}:{os.environ['PATH']}"} | dict(more)
    health = test[1:] if test and test[0] == "CMD" else []
    return Service(
        name,
        [str(BIN / words[0]), *(here(word) for word in words[1:])],
        variables,
        {other: wanted["condition"] for other, wanted in (one.get("depends_on") or {}).items()},
        [str(BIN / health[0]), *health[1:]] if health else [],
    )
