"""The good stores behind the bad one: moto, Azurite, and an emulator of Google's whose front enforces conditions."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

from bench.troubled.script import BUCKET
from tests.support.azure.azurite import Azurite, azurite
from tests.support.gcs import servers
from tests.support.gcs.front import Front, front_of

_FILE = "stores.json"


@dataclass(frozen=True, slots=True)
class Good:
    """The ports of the stores to send to and, for reading, the one of the emulator that asks for no token."""

    s3: int
    azure: int
    gcs: int
    gcs_emulator: int

    def write(self, folder: Path, key_file: str) -> None:
        """Tell it to other processes, with the key that Google's store knows."""
        (folder / "gcs_key.json").write_text(key_file)
        (folder / _FILE).write_text(json.dumps(asdict(self)))


def read(folder: Path) -> Good | None:
    """Return what was told, or None where nothing was yet."""
    try:
        return Good(**json.loads((folder / _FILE).read_text()))
    except (FileNotFoundError, json.JSONDecodeError):
        return None  # It is being written.


def settings(folder: Path, ports: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Return the settings of a connection to each kind of store, behind these ports."""
    server = Azurite(ports["azure"], "", folder)
    return {
        "s3": {
            "bucket": BUCKET,
            "endpoint": f"http://127.0.0.1:{ports['s3']}",
            "identity": "keys",
            "access_key_id": "bench",
            "secret_access_key": "only for the bench",
            "allow_plain": True,
        },
        "azure": server.settings,
        "gcs": {
            "bucket": servers.BUCKET,
            "endpoint": f"http://127.0.0.1:{ports['gcs']}",
            "identity": "key",
            "service_account_key": (folder / "gcs_key.json").read_text(),
            "allow_plain": True,
        },
    }


def s3_client(port: int, *, tries: int = 3) -> Any:
    """Return a client of the S3 at a port."""
    keys = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench", "region_name": "us-east-1"}
    config = Config(retries={"mode": "standard", "total_max_attempts": tries}, proxies={})
    return boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", config=config, **keys)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[tuple[Good, Front]]:
    """Run all of them, with empty buckets, and give where they are, and the front of Google's."""
    place = folder / "azurite"
    place.mkdir()
    moto = ThreadedMotoServer("127.0.0.1", 0)
    with azurite(place) as blobs, servers.emulator() as emulator, front_of(emulator) as front:
        moto.start()
        try:
            _, s3 = moto.get_host_and_port()
            s3_client(s3).create_bucket(Bucket=BUCKET)
            yield Good(s3, blobs.port, front.port, emulator), front
        finally:
            moto.stop()
