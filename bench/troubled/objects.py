"""Judge the bad store by its objects: each is there, whole, the same as what its run wrote by SFTP, and no other is."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bench.troubled.evidence import Posted
from bench.troubled.script import BUCKET, file_name, is_refused, number_of, object_name


def read(port: int) -> dict[str, tuple[bytes, str]]:
    """Return every object by its name: its content, and the checksum that was told with it."""
    client = client_at(port)
    found = {}
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for one in page.get("Contents", []):
            answer = client.get_object(Bucket=BUCKET, Key=one["Key"])
            found[one["Key"]] = (answer["Body"].read(), answer["Metadata"].get("mailroom-sha256", ""))
    return found


def client_at(port: int, *, tries: int = 3) -> Any:
    """Return a client of the store at a port."""
    keys = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench", "region_name": "us-east-1"}
    config = Config(retries={"mode": "standard", "total_max_attempts": tries}, proxies={})
    return boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", config=config, **keys)


def files(folder: Path) -> dict[str, bytes]:
    """Return what came by SFTP, by name."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def faults(
    posted: Collection[Posted], objects: Mapping[str, tuple[bytes, str]], by_sftp: Mapping[str, bytes]
) -> list[str]:
    """Return a sentence for each object that is missing, half, another one, or nobody's. Pure."""
    numbers = [number_of(one.recipients[-1]) for one in posted]
    wanted = {object_name(number): number for number in numbers if not is_refused(object_name(number))}
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
