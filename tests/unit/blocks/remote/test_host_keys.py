from __future__ import annotations

import pytest
from pydantic import ValidationError

from prefect_mailroom.channels.sftp import host_keys
from prefect_mailroom.channels.sftp.channel import SftpChannel
from prefect_mailroom.channels.sftp.host_keys import HostKey

# GitHub's published key and fingerprint, so that the form is OpenSSH's and not only ours.
LINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
PRINT = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"


@pytest.mark.parametrize(
    "text",
    [
        LINE,
        f"{LINE} a comment",
        f"github.com,140.82.121.4 {LINE}",
        f"[github.com]:22 {LINE}",
        f"|1|c2FsdA==|aGFzaA== {LINE}",
        f"  \n# a comment\n{LINE}\n",
    ],
)
def test_lines_of_known_hosts(text: str) -> None:
    assert host_keys.parse(text) == [HostKey(PRINT, "ssh-ed25519")]


@pytest.mark.parametrize("text", [PRINT, f"{PRINT}=", f"256 {PRINT} github.com (ED25519)"])
def test_fingerprints(text: str) -> None:
    assert host_keys.parse(text) == [HostKey(PRINT)]


@pytest.mark.parametrize(
    "text",
    [
        "github.com",
        "SHA256:short",
        "MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48",
        LINE[:40],
        LINE.replace("AAAAC3", "AAAAD3"),
        "ssh-ed25519",
        f"ssh-rsa {LINE.split()[1]}",
        f"@cert-authority * {LINE}",
        f"@revoked * {LINE}",
        "ssh-dss AAAAB3NzaC1kc3MAAACBAL",
    ],
)
def test_what_is_no_host_key(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        host_keys.parse(text)
    with pytest.raises(ValidationError):
        SftpChannel(host="files.example.com", username="bank", password="secret", host_key=text)


def test_server_is_asked_for_a_key_that_was_confirmed() -> None:
    rsa, ed = HostKey("SHA256:a", "ssh-rsa"), HostKey("SHA256:b", "ssh-ed25519")
    assert host_keys.signing_types([rsa]) == ("rsa-sha2-512", "rsa-sha2-256")
    assert host_keys.signing_types([rsa, ed]) == ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256")
    assert host_keys.signing_types([]) == host_keys.KEY_TYPES
    assert "ssh-rsa" not in host_keys.KEY_TYPES


def test_for_a_bare_fingerprint_each_type_is_asked_for_in_turn() -> None:
    pinned = [HostKey("SHA256:a")]
    assert host_keys.signing_types(pinned) == host_keys.KEY_TYPES
    left = host_keys.signing_types(pinned, ["ssh-ed25519", "ssh-rsa"])
    assert left == ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")


def test_connection_needs_a_way_to_log_in() -> None:
    with pytest.raises(ValidationError):
        SftpChannel(host="files.example.com", username="bank")
    for hostile in ("bank\nroot", "bank\x1b[2J"):
        with pytest.raises(ValidationError):
            SftpChannel(host="files.example.com", username=hostile, password="secret")
        with pytest.raises(ValidationError):
            SftpChannel(host=hostile, username="bank", password="secret")
