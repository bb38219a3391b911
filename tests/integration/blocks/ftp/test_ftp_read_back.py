"""Files that were delivered, read back byte by byte by programs that others wrote."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from prefect_mailroom.channels.ftp.server import Security
from prefect_mailroom.testing import HardCases
from tests.integration.blocks.ftp.parcels import a_parcel
from tests.support.ftp.daemons import PASSWORD, FtpServer
from tests.support.programs import needs

NAMES = [name for name in HardCases.HOSTILE if "/" not in name]
CONTENT = os.urandom(70_000) + b"\r\n.\r\n\0\xff\xf4\n"


@pytest.fixture(params=["vsftpd", "proftpd"])
def server(request: pytest.FixtureRequest) -> FtpServer:
    found: FtpServer = request.getfixturevalue(request.param)
    return found


async def delivered(server: FtpServer, channel_to: Any, folder: Path, below: str) -> list[str]:
    """Deliver the content under each hostile name, and return the paths of the receipt below the root."""
    parcel = a_parcel(folder, content=CONTENT, key=below, path=f"{below}/{{file_name}}")
    files = tuple(replace(parcel.files[0], filename=name) for name in NAMES)
    receipt = await channel_to(server).deliver(replace(parcel, files=files))
    return [f"{below}/{Path(file['path']).name}" for file in receipt.detail["files"]]


async def test_curl_gets_the_same_bytes(server: FtpServer, channel_to: Any, tmp_path: Path) -> None:
    curl = needs("curl", "curl")
    (tmp_path / "ca.pem").write_text(server.ca)
    paths = await delivered(server, channel_to, tmp_path, "by-curl")
    scheme = "ftps" if server.security is Security.IMPLICIT else "ftp"
    paths = [paths[number] for number in (1, 2, -1)]  # Each costs curl a connection of its own.
    got = tmp_path / "got"
    asked = [
        part
        for number, path in enumerate(paths)
        for part in ("--output", f"{got}-{number}", f"{scheme}://127.0.0.1:{server.port}/{quote(path)}")
    ]
    login = ["--ssl-reqd", "--cacert", str(tmp_path / "ca.pem"), "--user", f"{server.username}:{PASSWORD}"]
    subprocess.run([curl, "--silent", "--show-error", "--fail", *login, *asked], check=True, timeout=60)
    assert all(Path(f"{got}-{number}").read_bytes() == CONTENT for number in range(len(paths)))


async def test_lftp_gets_the_same_bytes(server: FtpServer, channel_to: Any, tmp_path: Path) -> None:
    lftp = needs("lftp", "lftp")
    (tmp_path / "ca.pem").write_text(server.ca)
    paths = await delivered(server, channel_to, tmp_path, "by-lftp")
    scheme = "ftps" if server.security is Security.IMPLICIT else "ftp"
    script = [
        f"set ssl:ca-file {tmp_path / 'ca.pem'}",
        "set ssl:verify-certificate yes",
        "set ftp:ssl-force yes",
        "set ftp:ssl-protect-data yes",
        "set net:max-retries 1",
        "set net:timeout 20",
        f"open -u {server.username},{PASSWORD} {scheme}://127.0.0.1:{server.port}",
        f"mirror by-lftp {tmp_path / 'got'}",
        "quit",
    ]
    subprocess.run([lftp, "--norc", "-c", "; ".join(script)], check=True, timeout=60)
    got = {path.name: path.read_bytes() for path in (tmp_path / "got").iterdir()}
    assert set(got) == {Path(path).name for path in paths}
    assert all(content == CONTENT for content in got.values())
