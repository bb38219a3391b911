"""docs/prefect-deploy.md, typed from its first line to its last: a stock Prefect server, real workers, a wheel."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from embedded.ports import free_port
from mailroom.context import Context
from mailroom.schedules import service as schedules
from mailroom.schedules.spec import read_spec
from mailroom.settings import CHECKOUT, Settings
from mailroom.storage.database import Database
from mailroom.storage.tables import Delivery, Execution, User
from tests.acceptance.deploy.reader import Reader, environment_of
from tests.support.prefect_template import lay_out, lay_out_samples
from tests.support.waiting import eventually_sync

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600), pytest.mark.xdist_group("wheel")]

_PARTS = ("api", "blocks", "catalog", "cli", "deployments", "embedded", "flows", "mailroom", "prefect.yaml")
_GIT = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main")
PARAMETERS = {"from": "2013-07-01", "to": "2013-07-31", "origin": "JFK"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this repository, its bare repository, and a project of somebody else with names like ours."""
    folder = tmp_path_factory.mktemp("page")
    clone = folder / "mailroom"
    clone.mkdir()
    for part in _PARTS:
        source = CHECKOUT / part
        if source.is_dir():
            shutil.copytree(source, clone / part, ignore=shutil.ignore_patterns("__pycache__", "static", "*.egg-info"))
        else:
            shutil.copy(source, clone)
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "All of it"]):
        subprocess.run([*_GIT, *command], cwd=clone, check=True, capture_output=True)
    bare = ["clone", "--quiet", "--bare", str(clone), str(folder / "reports.git")]
    subprocess.run([*_GIT, *bare], cwd=folder, check=True, capture_output=True)
    for name in ("flows", "blocks", "api"):
        module = folder / "my-project" / name / "__init__.py"
        module.parent.mkdir(parents=True)
        module.write_text(f'HERE = "{name} of my project"\n')
    return folder


@pytest.fixture(scope="module")
def reader(folder: Path) -> Iterator[Reader]:
    home, port = folder / "home", free_port("127.0.0.1")
    (home / ".prefect").mkdir(parents=True)
    lay_out(home / ".prefect")
    (folder / "mailroom" / ".mailroom").mkdir(mode=0o700)
    lay_out_samples(folder / "mailroom" / ".mailroom")
    environment = environment_of(
        home,
        PREFECT_SERVER_API_PORT=str(port),
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        PREFECT_SERVER_UI_ENABLED="false",
        PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION="false",
        PREFECT_WORKER_QUERY_SECONDS="1",
        DO_NOT_TRACK="1",
        MAILROOM_PREFECT_PORT=str(port),
    )
    instead = {
        "127.0.0.1:4200": f"127.0.0.1:{port}",
        "https://git.example.com/reports.git": (folder / "reports.git").as_uri(),
    }
    reader = Reader(folder / "mailroom", environment, instead)
    try:
        yield reader
    finally:
        reader.close()


@pytest.fixture(scope="module")
def data(folder: Path) -> Path:
    return folder / "mailroom" / ".mailroom"


def asked(reader: Reader, path: str, body: dict[str, Any] | None = None) -> Any:
    url = f"http://127.0.0.1:{reader.environment['PREFECT_SERVER_API_PORT']}/api{path}"
    answer = httpx.post(url, json=body or {}, timeout=30, trust_env=False)
    assert answer.is_success, answer.text
    return answer.json()


def deployments(reader: Reader) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in asked(reader, "/deployments/filter")}


def last_run(reader: Reader, deployment: str) -> dict[str, Any]:
    """The run that ended last, with its artifacts."""
    wanted = {"deployments": {"name": {"any_": [deployment]}}, "sort": "END_TIME_DESC", "limit": 1}
    [run] = asked(reader, "/flow_runs/filter", wanted)
    run["artifacts"] = asked(reader, "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}})
    return dict(run)


async def store_schedule(data: Path) -> str:
    """Make a schedule as the API would, which does not run here."""
    settings = Settings.model_validate({"data_dir": data})
    spec = {
        "name": "Punctuality",
        "report_id": "carrier-punctuality",
        "timing": {"frequency": "daily", "at": "09:00", "timezone": "UTC"},
        "parameters": PARAMETERS,
        "formats": ["csv"],
        "destinations": [{"channel": "folder", "connection": "local-folder", "path": "by-hand/{execution_id}.{ext}"}],
    }
    database = Database(settings.database)
    try:
        async with database.session() as session:
            owner = (await session.scalars(select(User).order_by(User.created_at))).first()
            assert owner is not None
            made = await schedules.create(session, read_spec(spec), Context(owner, datetime.now(UTC), settings))
            return made.id
    finally:
        await database.close()


async def ledger(data: Path) -> list[tuple[str, str]]:
    """Every execution and delivery of the ledger, by their states."""
    database = Database(Settings.model_validate({"data_dir": data}).database)
    try:
        async with database.session() as session:
            query = select(Execution.status, Delivery.status).join(Delivery, Delivery.execution_id == Execution.id)
            return [(str(one), str(other)) for one, other in (await session.execute(query)).all()]
    finally:
        await database.close()


def airlines(file: Path) -> set[str]:
    return {line["airline"] for line in csv.DictReader(file.read_text("utf-8-sig").splitlines())}


async def test_everything_is_deployed_without_a_question(reader: Reader, data: Path) -> None:
    reader.type("A server and a clone")
    shown = reader.type("Deploy everything")
    found = deployments(reader)
    assert set(found) == {"by-hand", "upkeep", "digest", "summary", "carrier-punctuality"}
    assert {one["work_pool_name"] for one in found.values()} == {"mailroom"}
    steps = {str(one["pull_steps"]) for one in found.values()}
    assert steps == {str([{"prefect.deployments.steps.set_working_directory": {"directory": str(reader.here)}}])}
    assert "not found in the provided values" not in shown, "a variable of prefect.yaml has no default"
    reader.environment["SCHEDULE_ID"] = await store_schedule(data)


async def test_reports_run_on_the_warm_worker(reader: Reader, data: Path) -> None:
    upkeep = deployments(reader)["upkeep"]["id"]
    asked(reader, f"/deployments/{upkeep}/create_flow_run", {"state": {"type": "SCHEDULED"}})
    shown = reader.type("Run it on the warm worker")
    assert "carrier-punctuality.csv" in shown
    run = last_run(reader, "carrier-punctuality")
    assert run["state_type"] == "COMPLETED"
    [artifact] = run["artifacts"]
    assert '"state": "delivered"' in artifact["data"]
    assert "carrier-punctuality.pdf" in artifact["description"]
    [file] = (data / "delivered" / "carrier-punctuality").rglob("*.csv")
    assert len(airlines(file)) == 10
    assert await ledger(data) == [("success", "delivered")]
    schedule = reader.environment["SCHEDULE_ID"]
    eventually_sync(lambda: schedule in deployments(reader), 30, reader.told)


async def test_a_schedule_runs_on_a_stock_worker_with_the_same_result(reader: Reader, data: Path) -> None:
    reader.type("Run it on a stock worker")
    assert last_run(reader, "by-hand")["work_pool_name"] == "stock"
    assert await ledger(data) == [("success", "delivered")] * 2
    files = [*(data / "delivered" / "by-hand").iterdir()]
    assert len(files) == 2
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_report_comes_from_a_git_repository(reader: Reader) -> None:
    shown = reader.type("A report of your own")
    assert "delay-list.csv" in shown
    assert last_run(reader, "late-flights")["state_type"] == "COMPLETED"


def test_a_foreign_project_delivers_with_the_wheel_alone(reader: Reader, folder: Path) -> None:
    shown = reader.type("A flow of your own")
    assert "Mailroom Email" in shown
    assert "Mailroom Azure" not in shown, "its extra is not installed"
    assert not reader.left, "a part of the page was not typed"
    [file] = (folder / "home" / "reports").rglob("sales.csv")
    assert file.read_text() == "region,amount\nEMEA,42\n"
    project = folder / "my-project"
    [packages] = (project / ".venv" / "lib").glob("python*/site-packages")
    assert not {"api", "blocks", "flows", "mailroom", "deployments", "cli"} & {one.name for one in packages.iterdir()}
    code = "import api, blocks, flows; print(api.HERE, blocks.HERE, flows.HERE)"
    python = project / ".venv" / "bin" / "python"
    told = subprocess.run([python, "-c", code], cwd=project, check=True, capture_output=True, text=True)
    assert told.stdout.split(" of my project") == ["api", " blocks", " flows", "\n"]
