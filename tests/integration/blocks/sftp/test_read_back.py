"""Read back what arrived by programs that others wrote: sftp, rclone, lftp."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from prefect_mailroom.channels.sftp.destination import SftpDestination
from tests.integration.blocks.sftp.far_side import channel_to
from tests.support.programs import needs
from tests.support.remote.parcels import parcel_to
from tests.support.remote.servers import SftpServer, openssh, proftpd

FILES = {
    "report.pdf": bytes(range(256)) * 4000,
    "Übersicht 東京 📈 (März) 100%.csv": "größe;1\r\n".encode(),
    'it\'s "quoted" $HOME `x`; rm.csv': b"1",
    "empty.json": b"",
}


async def deliver(server: SftpServer, folder: Path) -> dict[str, bytes]:
    """Deliver the files, and return them by the names that they have there."""
    destination = SftpDestination(connection="out", path="in/{file_name}")
    receipt = await channel_to(server).deliver(parcel_to(destination, folder, FILES))
    written = [Path(file["path"]).name for file in receipt.detail["files"]]
    return dict(zip(written, FILES.values(), strict=True))


def run(*command: str | Path) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr


def found_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("reader", ["sftp", "rclone"])
async def test_openssh(tmp_path: Path, reader: str) -> None:
    program = needs(reader, {"sftp": "openssh-client", "rclone": "rclone"}[reader])
    with openssh(tmp_path / "server") as server:
        expected = await deliver(server, tmp_path)
        key, known, got = tmp_path / "key", tmp_path / "known_hosts", tmp_path / "got"
        key.write_text(server.login["private_key"])
        key.chmod(0o600)
        lines = [line.read_text() for line in server.root.parent.glob("host-*.pub")]
        known.write_text("".join(f"[127.0.0.1]:{server.port} {line}\n" for line in lines))
        user = server.login["username"]
        if reader == "sftp":
            got.mkdir()
            options = ("-P", str(server.port), "-i", key, "-o", f"UserKnownHostsFile={known}", "-q", "-r")
            run(program, *options, f"{user}@127.0.0.1:{server.root}/in/.", got)
        else:
            far = f":sftp,host=127.0.0.1,port={server.port},user={user},key_file={key},known_hosts_file={known}"
            run(program, "--config", "/dev/null", "copy", f"{far}:{server.root}/in", got)
    assert found_in(got) == expected


async def test_proftpd_by_lftp(tmp_path: Path) -> None:
    program = needs("lftp", "lftp")
    with proftpd(tmp_path / "server") as server:
        expected = await deliver(server, tmp_path)
        known = tmp_path / "known_hosts"
        known.write_text(f"[127.0.0.1]:{server.port} {server.host_key}\n")
        script = (
            f'set sftp:connect-program "ssh -a -x -o UserKnownHostsFile={known}"; set sftp:charset utf-8; '
            f"set net:max-retries 1; open -p {server.port} -u bank,{server.login['password']} sftp://127.0.0.1; "
            f"mirror in {tmp_path}/got"
        )
        run(program, "--norc", "-c", script)
    assert found_in(tmp_path / "got") == expected
