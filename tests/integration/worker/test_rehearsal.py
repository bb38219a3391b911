"""What is done before the fork, so that first runs are as quick as later ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events.related import RESOURCE_CACHE, _get_and_cache_related_object

from prefect_mailroom.worker import prefect_private
from tests.support.prefect import NOBODY_LISTENS
from tests.support.work_pool import WorkPool

_REHEARSAL = """
import json, sys, threading
import prefect_mailroom.worker.processes.zygote
from prefect_mailroom.worker.processes.rehearsal import rehearse
first = rehearse()
before = set(sys.modules)
second = rehearse()
print(json.dumps([first.type, second.type, len(threading.enumerate()), sorted(set(sys.modules) - before)]))
"""


def test_a_rehearsal_runs_the_engine_and_leaves_nothing_behind() -> None:
    """Nobody listens at that address: what is sent there would fail."""
    environment = {"PREFECT_API_URL": NOBODY_LISTENS, "PATH": "", "PREFECT_SERVER_EPHEMERAL_ENABLED": "false"}
    told = subprocess.run(
        [sys.executable, "-c", _REHEARSAL], env=environment, capture_output=True, text=True, timeout=240, check=True
    )
    assert told.stdout.strip() == '["COMPLETED", "COMPLETED", 1, []]'
    assert "rehearsal" not in told.stderr


async def test_a_remembered_deployment_is_not_asked_for() -> None:
    deployment = DeploymentResponse(id=uuid4(), name="known", flow_id=uuid4(), labels={})
    prefect_private.remember_deployment(deployment)

    async def ask(_: Any) -> Any:
        raise httpx.ConnectError("asked")

    found = await _get_and_cache_related_object(
        "deployment", "deployment", client_method=ask, obj_id=deployment.id, cache=RESOURCE_CACHE
    )
    assert found["object"] is deployment
    assert found["role"] == "deployment"


async def test_before_fork_is_called_once_in_the_zygote_and_may_fail(shared_pool: WorkPool, tmp_path: Path) -> None:
    text = f"""
        import os, pathlib
        def before_fork():
            with open({str(tmp_path / "called")!r}, "a") as out: print(os.getpid(), file=out)
            raise RuntimeError("not today")
        @flow
        def main(out: str): pathlib.Path(out).write_text(str(os.getppid()))
    """
    deployment = await shared_pool.deploy("prepared", text)
    for name in ("one", "other"):
        run = await shared_pool.order(deployment, out=str(tmp_path / name))
        await shared_pool.until(run, StateType.COMPLETED)
    assert (tmp_path / "called").read_text().split() == [(tmp_path / "one").read_text()]
    assert "not today" in shared_pool.told()
