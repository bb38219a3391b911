"""The production guide names what is there: its commands are those of the files, and each can be read by a shell."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.guide import units
from scripts.guide.page import commands
from tests.support.production.stores import ROOT

TEXT = (ROOT / "docs/operations/production.md").read_text()
BLOCKS = commands(TEXT)
SCRIPT = "\n".join(BLOCKS)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split()[0])
def test_a_shell_can_read_it(block: str) -> None:
    done = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_every_file_that_it_names_is_there() -> None:
    named = set(re.findall(r"\bdeploy/[\w./*@-]+", SCRIPT))
    assert len(named) > 5
    assert [one for one in sorted(named) if not list(ROOT.glob(one))] == []


def test_every_unit_that_it_starts_is_there() -> None:
    named = set(re.findall(r"mailroom-[\w-]+(?:@\w+)?\.service", SCRIPT))
    target = (units.FOLDER / "mailroom.target").read_text()
    named |= set(re.findall(r"mailroom-[\w@-]+\.service", target))
    assert len(named) >= 9
    for name in named:
        unit = units.read(name)
        assert "/opt/mailroom/.venv/bin/mailroom" in " ".join(unit.command())


@pytest.mark.parametrize("name", units.SERVICES)
def test_the_secrets_of_a_unit_are_those_that_the_guide_makes(name: str) -> None:
    unit = units.read(name.replace("@", "@4200"))
    made = set(re.findall(r"\| keep ([\w-]+)", (ROOT / "deploy/secrets.sh").read_text()))
    assert set(unit.credentials()) <= made
    assert {path.rsplit("/", 1)[0] for path in unit.credentials().values()} == {"/etc/mailroom/secrets"}
    given = {value for text in unit.every("Environment") for value in re.findall(r"_FILE=%d/(\S+)", text)}
    assert given == set(unit.credentials())


def test_the_command_for_root_has_the_secrets_of_the_services() -> None:
    """Each secret is read from the file and under the variable by which some unit reads it."""
    given = set(re.findall(r"^give (\w+) ([\w-]+)$", (ROOT / "deploy/mailroom.sh").read_text(), re.MULTILINE))
    services = {
        pair
        for name in units.SERVICES
        for text in units.read(name.replace("@", "@4200")).every("Environment")
        for pair in re.findall(r"(\w+)_FILE=%d/([\w-]+)", text)
    }
    assert len(given) >= 10
    assert given <= services


def test_nginx_accepts_its_file(tmp_path: Path) -> None:
    nginx, openssl = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin"), shutil.which("openssl")
    if nginx is None or openssl is None:
        pytest.skip(
            "nginx or openssl is not here; only root can install them. On Debian: apt install nginx-light openssl"
        )
    files = ["-keyout", f"{tmp_path}/key.pem", "-out", f"{tmp_path}/chain.pem"]
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=mailroom.example.com", *files],
        check=True,
        capture_output=True,
        timeout=30,
    )
    site = (ROOT / "deploy/proxy/nginx.conf").read_text()
    # Ports below 1024 are for root, and so is the certificate's place.
    for there, here in (
        ("/etc/mailroom/tls/fullchain.pem", f"{tmp_path}/chain.pem"),
        ("/etc/mailroom/tls/privkey.pem", f"{tmp_path}/key.pem"),
        ("443 ssl", "8443 ssl"),
        ("listen 80;", "listen 8480;"),
        ("listen [::]:80;", "listen [::]:8480;"),
    ):
        assert there in site
        site = site.replace(there, here)
    temporary = "\n".join(
        f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}\n{site}\n}}\n"
    (tmp_path / "nginx.conf").write_text(whole)
    command = [nginx, "-t", "-q", "-e", "stderr", "-c", str(tmp_path / "nginx.conf")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
