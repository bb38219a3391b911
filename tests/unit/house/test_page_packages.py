"""Where `make setup` takes Node from, and what it does without."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts import page_packages
from scripts.page_packages import NotFetchedError, Npm

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("version", "suits"),
    [("v20.0.0", True), ("v24.19.0\n", True), ("v18.20.4", False), ("v9.1.0", False), ("", False), ("node", False)],
)
def test_node_has_to_be_recent(version: str, suits: bool) -> None:
    assert page_packages.suits(version) is suits


def programs(folder: Path, version: str, *names: str) -> None:
    """Put programs that say a version into a folder."""
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\necho {version}\n")
        (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("version", "names", "own"),
    [
        ("v20.20.2", ("node", "npm"), True),
        ("v18.0.0", ("node", "npm"), False),
        ("v24.0.0", ("node",), False),
        ("", (), False),
    ],
)
def test_the_machines_own_node_is_used_where_it_will_do(
    version: str, names: tuple[str, ...], own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(tmp_path, version, *names)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (page_packages.own_npm() is not None) is own


def test_npm_trusts_what_pip_and_uv_trust() -> None:
    npm = Npm(("npm",), Path("/opt/node/bin"))
    made = page_packages.environment(npm, {"PATH": "/bin", "PIP_CERT": "/etc/company.pem"})
    assert made["NODE_EXTRA_CA_CERTS"] == "/etc/company.pem"
    assert made["PATH"] == "/opt/node/bin:/bin"
    assert page_packages.environment(npm, {"NODE_EXTRA_CA_CERTS": "/own.pem", "PIP_CERT": "/other.pem"})[
        "NODE_EXTRA_CA_CERTS"
    ] == ("/own.pem")


def checkout(folder: Path, *, integrity: str = "sha512-a", present: bool = True) -> Path:
    """Make a checkout whose lock names one package."""
    package = {"version": "4.0.1", "integrity": "sha512-a"}
    (folder / "package-lock.json").write_text(json.dumps({"packages": {"": {}, "node_modules/htmx.org": package}}))
    (folder / "node_modules").mkdir()
    found: dict[str, Any] = {"packages": {"node_modules/htmx.org": {**package, "integrity": integrity}}}
    (folder / "node_modules/.package-lock.json").write_text(json.dumps(found))
    if present:
        (folder / "node_modules/htmx.org").mkdir()
    return folder


def test_nothing_is_fetched_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    page_packages.fetch(tmp_path / ".venv", checkout(tmp_path))


@pytest.mark.parametrize("given", [{"integrity": "sha512-b"}, {"present": False}])
def test_what_differs_from_the_lock_is_not_there(given: dict[str, Any], tmp_path: Path) -> None:
    assert not page_packages.is_there(checkout(tmp_path, **given))


def test_without_node_and_without_a_network_the_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, "v18.0.0", "node", "npm")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFetchedError, match="Node"):
        page_packages.fetch(tmp_path / "no-venv", tmp_path)


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("", 0)])
def test_set_up_goes_on_without_them_except_where_tests_need_them(
    ci: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_venv: Path) -> None:
        raise NotFetchedError("npm failed: no route to host")

    monkeypatch.setattr(page_packages, "fetch", refuse)
    monkeypatch.setenv("CI", ci)
    assert page_packages.main(tmp_path) == status
    told = capsys.readouterr().err
    assert "no route to host" in told
    assert "1." in told
    assert "2." in told


def test_locks_name_no_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = [package for name, package in lock["packages"].items() if name]
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages)
    assert not [package for package in packages if "resolved" in package]
    assert "http" not in (ROOT / "scripts/node.lock").read_text()


def test_what_is_made_is_not_committed() -> None:
    made = ["node_modules/x", "api/web/static/manifest.json"]
    told = subprocess.run(["git", "check-ignore", *made], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert told.split() == made
