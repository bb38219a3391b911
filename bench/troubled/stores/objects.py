"""Judge the bad stores by their objects: each is there, whole, as its run wrote it by SFTP as well, and no other is."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from bench.troubled.evidence import Posted
from bench.troubled.script import BUCKET, file_name, is_refused, number_of, object_name, store_of
from bench.troubled.stores.good import Good, s3_client
from tests.support.azure.azurite import CONTAINER, Azurite
from tests.support.gcs import servers

Stored = tuple[bytes, str]


def read(stores: Good) -> dict[str, Stored]:
    """Return every object by its store and name: its content, and the checksum that was told with it."""
    found = {f"s3/{name}": one for name, one in _of_s3(stores.s3)}
    found |= {f"azure/{name}": one for name, one in _of_azure(stores.azure)}
    return found | {f"gcs/{name}": one for name, one in _of_gcs(stores.gcs_emulator)}


def _of_s3(port: int) -> Iterator[tuple[str, Stored]]:
    client = s3_client(port)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for one in page.get("Contents", []):
            answer = client.get_object(Bucket=BUCKET, Key=one["Key"])
            yield one["Key"], (answer["Body"].read(), answer["Metadata"].get("mailroom-sha256", ""))


def _of_azure(port: int) -> Iterator[tuple[str, Stored]]:
    with Azurite(port, "", Path()).client() as client:
        container = client.get_container_client(CONTAINER)
        # One that was begun and not finished is something that nobody asked for.
        for one in container.list_blobs(include=["metadata", "uncommittedblobs"]):
            whole = one.etag is not None
            content = container.download_blob(one.name).readall() if whole else b""
            yield one.name, (content, (one.metadata or {}).get("mailroom_sha256", ""))


def _of_gcs(port: int) -> Iterator[tuple[str, Stored]]:
    for name, content in servers.objects(port).items():
        metadata = servers.resource(port, name).get("metadata")
        yield name, (content, str(metadata.get("mailroom_sha256", "")) if isinstance(metadata, dict) else "")


def files(folder: Path) -> dict[str, bytes]:
    """Return what came by SFTP, by name."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def place(number: int) -> str:
    """Return store and name of the object of a schedule."""
    return f"{store_of(number)}/{object_name(number)}"


def faults(posted: Collection[Posted], objects: Mapping[str, Stored], by_sftp: Mapping[str, bytes]) -> list[str]:
    """Return a sentence for each object that is missing, half, another one, or nobody's. Pure."""
    numbers = [number_of(one.recipients[-1]) for one in posted]
    wanted = {place(number): number for number in numbers if not is_refused(object_name(number))}
    found = [f"The object {name} is missing." for name in wanted if name not in objects]
    found += [f"Nobody asked for the object {name}." for name in objects if name not in wanted]
    for name, number in wanted.items():
        content, told = objects.get(name, (b"", ""))
        if name not in objects:
            continue
        if hashlib.sha256(content).hexdigest() != told:
            found.append(f"The object {name} is not what was rendered.")
        if content != by_sftp.get(file_name(number)):
            found.append(f"The object {name} differs from the file {file_name(number)}.")
    return found
