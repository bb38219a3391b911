"""The registry: every entry is true, and nothing weighs before it is used."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_origin

import pytest
from prefect.blocks.core import Block
from prefect_email import EmailServerCredentials
from pydantic import SecretStr

from mailroom.connections.kinds import block_types
from prefect_mailroom.channels import registry
from prefect_mailroom.channels.base import Channel
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.own_class import without_slug
from prefect_mailroom.sources.shell import ShellSource
from prefect_mailroom.testing import RecordingChannel, RecordingDestination, registered
from tests.support.prefect import NOBODY_LISTENS

BLOCKS = Path(__file__).parents[3] / "blocks"


def loaded_after(code: str, cwd: Path = BLOCKS) -> set[str]:
    """Return the top-level modules that a new process has after running the code."""
    told = f"{code}\nimport json, sys; print(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    ended = subprocess.run([sys.executable, "-c", told], cwd=cwd, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return set(json.loads(ended.stdout.splitlines()[-1]))


@pytest.mark.parametrize("kind", registry.CHANNELS)
def test_entries_are_true(kind: str) -> None:
    entry = registry.CHANNELS[kind]
    channel = entry.load()
    assert issubclass(channel, Channel)
    assert channel.kind == kind
    assert channel.destination_type is entry.destination_type
    assert entry.destination_type.model_fields["channel"].default == kind
    assert channel.get_block_type_slug() == f"mailroom-{kind}"
    assert bool(entry.extra) == bool(entry.needs)


@pytest.mark.parametrize("block", block_types().values(), ids=block_types())
def test_security_36_prefect_hides_every_secret_of_a_block(block: type[Block]) -> None:
    """Prefect hides a secret and the values of a SecretDict, but no other mapping or list of secrets."""
    fields, hidden = block.model_fields, block.model_json_schema()["secret_fields"]
    for name, field in fields.items():
        told = str(field.annotation)
        if "Secret" in told:
            assert get_origin(field.annotation) not in (dict, list, tuple, set), f"{name}: make it a SecretDict."
            assert name in hidden or f"{name}.*" in hidden
    assert {"environment.*"} & set(hidden) or "environment" not in fields


def test_each_variable_of_a_program_is_a_secret_of_its_own() -> None:
    block = ShellSource(working_directory=Path("/"), allowed_programs=["x"], environment={"A": "canary", "B": "b"})
    assert block.model_dump()["environment"] == {"A": SecretStr("canary"), "B": SecretStr("b")}
    assert "canary" not in f"{block!r} {block.model_dump_json()}"
    stored = block.model_dump(mode="json", context={"include_secrets": True})
    assert stored["environment"] == {"A": "canary", "B": "b"}
    assert ShellSource.model_validate(stored).environment == block.environment


def test_each_client_is_an_extra_of_the_wheel() -> None:
    project = tomllib.loads((BLOCKS / "pyproject.toml").read_text())["project"]
    extras, base = project["optional-dependencies"], " ".join(project["dependencies"])
    for entry in registry.CHANNELS.values():
        for module in entry.needs:
            name = module.replace("_", "-")
            assert any(requirement.startswith(name) for requirement in extras[entry.extra])
            assert name not in base
    [everything] = extras["all"]
    assert set(everything.partition("[")[2].rstrip("]").split(",")) == set(extras) - {"all"}


def test_no_client_loads_before_a_connection_is_used() -> None:
    clients = {module for entry in registry.CHANNELS.values() for module in entry.needs} | {"paramiko", "prefect_shell"}
    loaded = loaded_after("import prefect_mailroom.channels.registry, prefect_mailroom.sources.shell")
    assert not clients & loaded


def test_clients_of_blocks_load_at_the_first_transfer() -> None:
    """A worker imports the whole collection; that brings no client into it."""
    loaded = loaded_after("import prefect_mailroom.collection")
    assert not {"aiosmtplib", "httpx_secure", "paramiko", "prefect_shell"} & loaded


_AS_STORED = {
    "block_type_slug": "mailroom-email",
    "credentials": {"block_type_slug": "email-server-credentials", "smtp_server": "127.0.0.1", "smtp_port": 25},
    "from_address": "reports@example.com",
}


def test_no_process_pays_for_the_clients_of_clouds_before_a_transfer() -> None:
    """A child of the worker as it is forked, an API with the classes of all blocks, and a stored connection."""
    loaded = loaded_after(
        f"import os; os.environ['PREFECT_API_URL'] = {NOBODY_LISTENS!r}\n"
        "from prefect_mailroom.worker.processes import zygote\n"
        "zygote._settle_in({'load': 'none', 'path': '', 'steps': []})\n"
        "import api.app\n"
        "from mailroom.connections.kinds import block_types\n"
        f"block_types()['email'].model_validate({_AS_STORED!r})",
        cwd=BLOCKS.parent,
    )
    assert not loaded & {"boto3", "botocore", "azure", "google", "prefect_aws", "prefect_azure", "prefect_gcp"}
    assert not loaded & {"prefect_docker"}


def test_a_block_within_a_block_that_is_of_another_class_is_left_to_prefect() -> None:
    given = {"block_type_slug": "secret", "smtp_server": "127.0.0.1"}
    assert without_slug(given, EmailServerCredentials) is given
    assert without_slug(EmailServerCredentials(), EmailServerCredentials).get_block_type_slug()
    with pytest.raises(ValueError, match="block_type_slug"):
        registry.channel_type("email").model_validate({**_AS_STORED, "block_type_slug": "mailroom-sftp"})


def test_missing_client_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = registry.Registration(RecordingDestination, "no_such_module:X", extra="owl", needs=("no_such_module",))
    monkeypatch.setitem(registry.CHANNELS, "owl", entry)
    assert registry.destination_type("owl") is RecordingDestination
    with pytest.raises(ConfigurationError) as caught:
        registry.channel_type("owl")
    assert "prefect-mailroom[owl]" in caught.value.remedy


def test_registered_lasts_as_long_as_its_context() -> None:
    with registered(RecordingChannel):
        found = registry.destination({"channel": "recording", "connection": "test"})
        assert isinstance(found, RecordingDestination)
        assert registry.channel_type("recording") is RecordingChannel
        with pytest.raises(ValueError, match="recording"), registered(RecordingChannel):
            pass
    with pytest.raises(ConfigurationError):
        registry.destination({"channel": "recording", "connection": "test"})
