"""The collection as others get it: built as a wheel, installed alone, known to a real Prefect server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.prefect import PrefectServer

ROOT = Path(__file__).parents[2]
KINDS = {
    "mailroom-azure",
    "mailroom-command",
    "mailroom-email",
    "mailroom-folder",
    "mailroom-ftp",
    "mailroom-s3",
    "mailroom-sftp",
    "mailroom-webhook",
    "mailroom-http-source",
    "mailroom-shell-source",
    "mailroom-sql-source",
}

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600), pytest.mark.xdist_group("wheel")]


def run(*command: str | Path, cwd: Path = ROOT, environment: dict[str, str] | None = None) -> str:
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, f"{command}:\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
    return ended.stdout


def clean_environment(home: Path, **settings: str) -> dict[str, str]:
    """Nothing of this process's Prefect or Python settings; only what finding programs and packages needs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PYTHON", "VIRTUAL"))}
    return {**kept, "HOME": str(home), "PREFECT_HOME": str(home / "prefect"), **settings}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT / "blocks")
    [built] = out.glob("prefect_mailroom-*.whl")
    return built


def environment_with(folder: Path, requirement: str) -> Path:
    """Return the interpreter of a new environment that holds this and what it needs, nothing of ours."""
    run(sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, folder / "venv")
    python = folder / "venv" / "bin" / "python"
    # `make` has everything compiled, which takes far longer than to install it; few of the modules are imported.
    environment = {**os.environ, "UV_COMPILE_BYTECODE": "0"}
    install = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python")
    run(*install, python, requirement, environment=environment)
    return python


@pytest.fixture(scope="module")
def empty_environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and every extra."""
    return environment_with(tmp_path_factory.mktemp("foreign"), f"prefect-mailroom[all] @ {wheel.as_uri()}")


@pytest.fixture(scope="module")
def bare_environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and no extra."""
    return environment_with(tmp_path_factory.mktemp("bare"), f"prefect-mailroom @ {wheel.as_uri()}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API address of a Prefect server of our own environment, on an empty SQLite database."""
    home = tmp_path_factory.mktemp("server")
    environment = clean_environment(home, PREFECT_SERVER_ANALYTICS_ENABLED="false", PREFECT_LOGGING_LEVEL="ERROR")
    command = [sys.executable, "-m", "prefect", "server", "start", "--no-services"]
    with PrefectServer(home, command=command, environment=environment) as server:
        yield server.url


def test_entry_point_loads_in_an_empty_environment(empty_environment: Path, tmp_path: Path) -> None:
    code = """
import json, sys
from prefect.plugins import load_prefect_collections
found = load_prefect_collections()
module = found["prefect_mailroom"]
assert not isinstance(module, Exception), module
from prefect.workers.base import BaseWorker
worker = BaseWorker.get_worker_class_from_type("mailroom-warm")
print(json.dumps([module.__file__, sys.prefix, sorted(module.__all__), worker and worker.__module__]))
"""
    told = run(empty_environment, "-c", code, cwd=tmp_path, environment=clean_environment(tmp_path))
    file, prefix, names, worker = json.loads(told.splitlines()[-1])
    assert file.startswith(prefix), "The collection was not loaded from the wheel."
    assert {"EmailChannel", "FolderChannel", "FtpChannel", "SftpChannel", "WarmWorker", "WebhookChannel"} <= set(names)
    assert worker == "prefect_mailroom.worker.warm"


def test_without_extras_the_rest_works_and_says_what_is_missing(bare_environment: Path, tmp_path: Path) -> None:
    code = f"""
import asyncio, json
from prefect.plugins import load_prefect_collections
module = load_prefect_collections()["prefect_mailroom"]
assert not isinstance(module, Exception), module
from prefect_mailroom import ConfigurationError, FolderChannel, destination
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.channels.registry import CHANNELS, channel_type
told = {{}}
for kind in CHANNELS:
    try:
        channel_type(kind)
    except ConfigurationError as error:
        told[kind] = error.remedy
mail = destination({{"channel": "email", "connection": "corp", "to": ["ada@example.com"]}})
checked = asyncio.run(FolderChannel(root={str(tmp_path)!r}).check(Steps()))
needing = [kind for kind, entry in CHANNELS.items() if entry.extra]
print(json.dumps([module.__all__, told, needing, mail.recipients(), checked]))
"""
    told = run(bare_environment, "-c", code, cwd=tmp_path, environment=clean_environment(tmp_path))
    names, missing, needing, recipients, checked = json.loads(told.splitlines()[-1])
    assert {"FolderChannel", "SqlSource", "WarmWorker"} <= set(names)
    assert set(missing) == set(needing) >= {"command", "email", "sftp", "webhook"}
    assert "prefect-mailroom[email]" in missing["email"]
    assert recipients == ["ada@example.com"]
    assert "can be written" in checked


def test_blocks_register_with_a_server_and_load_again(empty_environment: Path, server: str, tmp_path: Path) -> None:
    environment = clean_environment(tmp_path, PREFECT_API_URL=server)
    run(
        empty_environment,
        *["-m", "prefect", "block", "register", "-m", "prefect_mailroom.collection"],
        cwd=tmp_path,
        environment=environment,
    )
    types = httpx.post(f"{server}/block_types/filter", json={}, trust_env=False, timeout=30).raise_for_status().json()
    assert {found["slug"] for found in types} >= KINDS

    code = f"""
import asyncio, json
from prefect_mailroom import ConfigurationError, FolderChannel, load_channel
from prefect_mailroom.channels.steps import Steps
FolderChannel(root={str(tmp_path)!r}).save("out")
async def main():
    print(await (await load_channel("folder", "out")).check(Steps()))
    try:
        await load_channel("folder", "missing")
    except ConfigurationError as error:
        print(error.field)
asyncio.run(main())
"""
    told = run(empty_environment, "-c", code, cwd=tmp_path, environment=environment).splitlines()
    assert "can be written" in told[-2]
    assert told[-1] == "connection"


def test_secrets_are_kept_secret_by_the_server(empty_environment: Path, server: str, tmp_path: Path) -> None:
    environment = clean_environment(tmp_path, PREFECT_API_URL=server)
    code = """
import asyncio
from prefect_email import EmailServerCredentials
from prefect.blocks.core import Block
from pydantic import SecretStr
from prefect_mailroom import CommandChannel, EmailChannel, ShellSource, WebhookChannel, load_channel
key = "whsec_Y2FuYXJ5LXNpZ25pbmcta2V5LW9mLTMyLWJ5dGVzISE="
hook = WebhookChannel(url="https://x.example/canary", signing_secret=key, auth="bearer", auth_secret="canary-token")
hook.save("h")
login = EmailServerCredentials(smtp_server="mail.example.com", username="u", password="canary-password")
EmailChannel(credentials=login, from_address="r@example.com").save("m")
CommandChannel(program="/bin/true", environment={"KEY": "canary-of-a-command"}).save("c")
shell = {"working_directory": "/", "allowed_programs": ["true"]}
ShellSource(**shell, environment={"KEY": "canary-of-a-source"}).save("s")

class Former(Block):
    # The shell source of an earlier version.
    _block_type_name, _block_type_slug = "Mailroom shell source", "mailroom-shell-source"
    working_directory: str
    allowed_programs: list[str]
    environment: dict[str, SecretStr]

Former(**shell, environment={"KEY": "canary-of-before"}).save("f")
async def main():
    former = await ShellSource.aload("f", validate=False)
    assert former.environment.get_secret_value() == {"KEY": "canary-of-before"}
    await former.asave("f", overwrite=True)
    for name, secret in (("f", "canary-of-before"), ("s", "canary-of-a-source")):
        loaded = await ShellSource.aload(name)
        assert loaded.environment.get_secret_value() == {"KEY": secret}
    command = await load_channel("command", "c")
    assert command.environment.get_secret_value() == {"KEY": "canary-of-a-command"}
    hook, mail = await load_channel("webhook", "h"), await load_channel("email", "m")
    assert hook.signing_secret.get_secret_value() == key
    assert hook.auth_secret.get_secret_value() == "canary-token"
    assert mail.credentials.password.get_secret_value() == "canary-password"
    assert mail.credentials.smtp_server == "mail.example.com"
asyncio.run(main())
"""
    run(empty_environment, "-c", code, cwd=tmp_path, environment=environment)
    answer = httpx.post(f"{server}/block_documents/filter", json={}, trust_env=False, timeout=30).raise_for_status()
    assert {"c", "f", "h", "m", "s"} <= {document["name"] for document in answer.json()}
    assert "canary" not in answer.text
    assert "Y2FuYXJ5" not in answer.text
