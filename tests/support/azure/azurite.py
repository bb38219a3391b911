"""Azurite, Microsoft's own emulator of Azure Blob Storage, run as the test's own account on a free port."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient, ContainerSasPermissions, generate_container_sas

from tests.support.certificates import self_signed
from tests.support.node_packages import installed
from tests.support.programs import needs
from tests.support.waiting import eventually_sync

ACCOUNT = "canaryreports"
CONTAINER = "reports"
KEY = base64.b64encode(b"canary key of the storage account, which is 64 bytes long .....!").decode()
_FOLDER = Path(__file__).parent / "node"


@dataclass(frozen=True)
class Azurite:
    """One that runs, with an empty container.

    Attributes:
        pem: what a client has to trust; empty where it speaks HTTP.
        folder: where its certificate is, as `chain.pem`.
    """

    port: int
    pem: str
    folder: Path

    @property
    def url(self) -> str:
        """Return the address of its account."""
        return self.url_at(self.port)

    def url_at(self, port: int) -> str:
        """Return the address of its account behind another port."""
        return f"{'https' if self.pem else 'http'}://127.0.0.1:{port}/{ACCOUNT}"

    @property
    def settings(self) -> dict[str, Any]:
        """Return the settings of a connection that logs in with the key."""
        return {
            "account": ACCOUNT,
            "container": CONTAINER,
            "endpoint": self.url,
            "identity": "key",
            "account_key": KEY,
            "allow_plain": not self.pem,
            "ca_certificates": self.pem,
        }

    def client(self) -> BlobServiceClient:
        """Return Azure's own client, for what a test looks at and prepares."""
        verify = {"connection_verify": str(self.folder / "chain.pem")} if self.pem else {}
        credential = {"account_name": ACCOUNT, "account_key": KEY}
        return BlobServiceClient(self.url, credential=credential, retry_total=0, **verify)

    def sas(self, permissions: str = "racwdl", *, hours: float = 1) -> str:
        """Return a SAS token for the container, which ends in so many hours."""
        return generate_container_sas(
            ACCOUNT,
            CONTAINER,
            account_key=KEY,
            permission=ContainerSasPermissions.from_string(permissions),
            expiry=datetime.now(UTC) + timedelta(hours=hours),
        )

    def put(self, name: str, content: bytes) -> None:
        """Write a blob as somebody else would."""
        self.client().get_blob_client(CONTAINER, name).upload_blob(content, overwrite=True)

    def names(self, *, uncommitted: bool = False) -> list[str]:
        """Return the names of all blobs.

        Args:
            uncommitted: those as well of which there are blocks alone.
        """
        include = ["uncommittedblobs"] if uncommitted else []
        return [one.name for one in self.client().get_container_client(CONTAINER).list_blobs(include=include)]

    def empty(self) -> None:
        """Take away what a test has left."""
        container = self.client().get_container_client(CONTAINER)
        for one in list(container.list_blobs()):
            container.delete_blob(one.name)

    def read_back(self, folder: Path) -> dict[str, bytes]:
        """Return every blob by its name, as rclone brings them to a folder that is not there yet."""
        environment = {
            "PATH": os.environ["PATH"],
            "RCLONE_CONFIG": os.devnull,
            # Debian's rclone knows no other way to an account that is named in the path.
            "RCLONE_AZUREBLOB_SAS_URL": f"{self.url}/{CONTAINER}?{self.sas()}",
            "RCLONE_CA_CERT": str(self.folder / "chain.pem") if self.pem else "",
        }
        command = [str(needs("rclone", "rclone")), "copy", "--retries", "1", f":azureblob:{CONTAINER}", str(folder)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stderr
        return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@contextlib.contextmanager
def azurite(folder: Path, *, encrypted: bool = False) -> Iterator[Azurite]:
    """Run one, which keeps everything in memory. Without Node the test is skipped; in CI it fails.

    Args:
        folder: an empty one.
        encrypted: speak TLS, and take bearer tokens; it looks at their times and whom they are for.
    """
    node, environment = needs("node", "nodejs"), installed(_FOLDER)
    environment["AZURITE_ACCOUNTS"] = f"{ACCOUNT}:{KEY}"
    program = Path(environment["NODE_PATH"]) / "azurite" / "dist" / "src" / "blob" / "main.js"
    pem, more = "", []
    if encrypted:
        pem, chain = self_signed(folder).pem, str(folder / "chain.pem")
        more = ["--cert", chain, "--key", chain, "--oauth", "basic"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(node), str(program), "--blobPort", str(port), "--silent"]
    command += ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", *more]
    with (
        (folder / "output").open("wb") as output,
        subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=output) as process,
    ):
        try:
            eventually_sync(
                lambda: process.poll() is not None or _answers(port), 60, (folder / "output").read_text, pause=0.05
            )
            assert process.poll() is None, (folder / "output").read_text()
            server = Azurite(port, pem, folder)
            server.client().create_container(CONTAINER)
            yield server
        finally:
            process.kill()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
