"""Two servers of S3 that others wrote, run as the test's own account on a free port: moto, and rclone's in Go."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config

from prefect_mailroom.tls import trusting
from tests.support.certificates import self_signed
from tests.support.programs import needs
from tests.support.waiting import eventually_sync

BUCKET = "reports"
ROLE = "arn:aws:iam::123456789012:role/reports"
EXTERNAL_ID = "canary-external-id"
_RCLONE = Path(sys.executable).parent / "rclone"


@dataclass(frozen=True)
class S3Server:
    """One server with an empty bucket.

    Attributes:
        key_id, secret: of a user who may do everything in the bucket.
        pem: what a client has to trust; empty where it speaks HTTP.
        writes_once: whether it knows preconditions.
    """

    port: int
    key_id: str
    secret: str
    pem: str = ""
    writes_once: bool = True
    folder: Path = field(default_factory=Path)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"{'https' if self.pem else 'http'}://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, Any]:
        """Return the settings of a connection that logs in with the key."""
        return {
            "bucket": BUCKET,
            "endpoint": self.url,
            "identity": "keys",
            "access_key_id": self.key_id,
            "secret_access_key": self.secret,
            "allow_plain": not self.pem,
            "ca_certificates": self.pem,
            "write_once": self.writes_once,
        }

    def client(self, service: str = "s3", *, region: str = "us-east-1") -> Any:
        """Return boto3's own client, for what a test looks at and prepares."""
        return _client(self, service, region)

    def empty(self) -> None:
        """Take away what a test has left."""
        client = self.client()
        for key in self.keys():
            client.delete_object(Bucket=BUCKET, Key=key)
        for upload in self.unfinished():
            client.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])

    def keys(self) -> list[str]:
        """Return the key of every object."""
        return [one["Key"] for one in self.client().list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def unfinished(self) -> list[Mapping[str, Any]]:
        """Return the uploads whose parts are kept there."""
        client = self.client()
        try:
            found: list[Mapping[str, Any]] = client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        except client.exceptions.NoSuchUpload:
            return []  # rclone says so where there is none.
        return found

    def read_back(self, folder: Path, bucket: str = BUCKET) -> dict[str, bytes]:
        """Return every object by its key, as Debian's rclone brings them to a folder that is not there yet."""
        environment = {
            "PATH": os.environ["PATH"],
            "RCLONE_CONFIG": os.devnull,
            "RCLONE_S3_PROVIDER": "Other",
            "RCLONE_S3_ENDPOINT": self.url,
            "RCLONE_S3_ACCESS_KEY_ID": self.key_id,
            "RCLONE_S3_SECRET_ACCESS_KEY": self.secret,
            "RCLONE_S3_REGION": "us-east-1",
            "RCLONE_CA_CERT": str(self.folder / "chain.pem") if self.pem else "",
        }
        command = [str(needs("rclone", "rclone")), "copy", "--retries", "1", f":s3:{bucket}", str(folder)]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
        return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@functools.cache
def _client(server: S3Server, service: str, region: str) -> Any:
    session = boto3.session.Session(server.key_id, server.secret, region_name=region)
    return session.client(
        service,
        endpoint_url=server.url,
        verify=str(server.folder / "chain.pem") if server.pem else None,
        config=Config(
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"total_max_attempts": 1},
            **({"s3": {"addressing_style": "path"}} if service == "s3" else {}),
        ),
    )


@contextlib.contextmanager
def moto(folder: Path, *, aws_names: bool = False) -> Iterator[S3Server]:
    """Run moto, which verifies signatures and permissions: S3 and STS, with a user and a role that it may assume.

    Args:
        aws_names: speak TLS, with a certificate for the names of AWS.
    """
    chain, pem = [], ""
    if aws_names:
        names = [f"{BUCKET}.s3.eu-central-1.amazonaws.com", "s3.eu-central-1.amazonaws.com"]
        pem = self_signed(folder, names=[*names, "sts.eu-central-1.amazonaws.com"]).pem
        chain = [str(folder / "chain.pem")]
    server = Path(__file__).with_name("moto_server.py")
    with _running([sys.executable, str(server), "{port}", *chain], folder) as port:
        unknown = S3Server(port, "setup", "setup", pem, folder=folder)
        iam = unknown.client("iam")
        iam.create_user(UserName="reports")
        everything = {"Effect": "Allow", "Action": ["s3:*", "sts:*", "iam:*"], "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
        iam.put_user_policy(UserName="reports", PolicyName="all", PolicyDocument=policy)
        key = iam.create_access_key(UserName="reports")["AccessKey"]
        condition = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole", "Condition": condition}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam.create_role(RoleName="reports", AssumeRolePolicyDocument=document)
        iam.put_role_policy(RoleName="reports", PolicyName="all", PolicyDocument=policy)
        region = {"LocationConstraint": "eu-central-1"}
        unknown.client(region="eu-central-1").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=region)
        # From now on, it lets nobody in who has no right to.
        with httpx.Client(verify=trusting(pem), trust_env=False) as client:
            client.post(f"{unknown.url}/moto-api/reset-auth", content=b"0").raise_for_status()
        yield S3Server(port, key["AccessKeyId"], key["SecretAccessKey"], pem, folder=folder)


@contextlib.contextmanager
def rclone(folder: Path) -> Iterator[S3Server]:
    """Run the S3 of rclone over TLS. It verifies signatures, and knows no preconditions."""
    if not _RCLONE.exists():  # pragma: no cover
        raise AssertionError("make setup brings it.")
    (folder / "root" / BUCKET).mkdir(parents=True)
    pem = self_signed(folder).pem
    key_id, secret = "CANARYKEYOFRCLONE123", "canary-secret-of-rclone"
    command = [str(_RCLONE), "serve", "s3", "--config", os.devnull, "--auth-key", f"{key_id},{secret}", "--cert"]
    command += [str(folder / "chain.pem"), "--key", str(folder / "chain.pem"), str(folder / "root")]
    with _running([*command, "--addr", "127.0.0.1:{port}"], folder) as port:
        yield S3Server(port, key_id, secret, pem, writes_once=False, folder=folder)


@contextlib.contextmanager
def _running(command: list[str], folder: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [part.replace("{port}", str(port)) for part in command]
    with (folder / "output").open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            eventually_sync(
                lambda: process.poll() is not None or _answers(port), 60, (folder / "output").read_text, pause=0.05
            )
            assert process.poll() is None, (folder / "output").read_text()
            yield port
        finally:
            process.kill()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
