"""The files of deploy/ are well formed, by the programs that read them in production."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.guide import units
from scripts.image import context, dockerfile
from tests.support.production import compose
from tests.support.production.stores import ROOT, WHY, make_secrets

DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm/mailroom"
BIN = Path(sys.executable).parent
MOST_EXPOSED = 2.0
"""What `systemd-analyze security` may say at most; 0 is the safest, and an ordinary service has 9.6."""
VALUES: dict[str, Any] = {
    "publicAddress": "https://mailroom.example.com",
    "ownerEmail": "ada@example.com",
    "secret": "mailroom",
    "settings": {"MAILROOM_DEFAULT_TIMEZONE": "Europe/Berlin"},
    "trustedProxies": "10.0.0.0/8",
    "ingress": {"enabled": True, "host": "mailroom.example.com", "tlsSecret": "tls"},
    "networkPolicy": {"apiFrom": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}]},
}


def program(name: str, why: str = WHY) -> str:
    found = shutil.which(name, path=f"{BIN}:{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not here. {why}")
    return found


def run(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    environment = {**os.environ, **variables}
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, env=environment)


def test_the_dockerfile_passes_its_linter() -> None:
    done = run(program("hadolint"), DEPLOY / "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_the_image_runs_as_nobody_and_builds_nothing() -> None:
    *_, build, image = dockerfile.read((DEPLOY / "Dockerfile").read_text())
    assert image.last("USER") == "10001:10001"
    assert image.command("HEALTHCHECK")[:2] == ["mailroom", "alive"]
    assert image.environment()["PYTHONUTF8"] == "1"
    assert any("--require-hashes" in text for name, text in build.steps if name == "RUN")
    assert not [text for name, text in image.steps if name == "RUN" and re.search(r"\b(apt|pip|npm)\b", text)]


def test_the_context_has_what_runs_and_nothing_else() -> None:
    listed = run("git", "-C", ROOT, "ls-files").stdout.splitlines()
    names = context.sent(ROOT, listed or [str(path.relative_to(ROOT)) for path in ROOT.glob("*/*.py")])
    rooms = {name.split("/")[0] for name in names if "/" in name}
    assert rooms == {"api", "blocks", "catalog", "cli", "deploy", "deployments", "embedded", "flows", "mailroom"}
    assert not context.sent(ROOT, [".git/config", ".mailroom/api-key", "tests/conftest.py", "api/__pycache__/app.pyc"])


def test_compose_accepts_the_file_and_has_no_password(tmp_path: Path) -> None:
    whole = compose.resolved(make_secrets(tmp_path / "secrets"))
    services = whole["services"]
    replicas = {name: one.get("deploy", {}).get("replicas", 1) for name, one in services.items()}
    assert {name for name, count in replicas.items() if count == 2} == {"prefect", "api", "worker"}
    assert {"postgres", "redis", "prefect-services", "proxy"} <= set(services)
    for name, one in services.items():
        assert one["deploy"]["resources"]["limits"]["memory"], name
        assert not [
            key
            for key in one.get("environment") or {}
            if re.search(r"PASSWORD$|KEY$|_URL$|PEPPER$", key) and key != "MAILROOM_PREFECT_API_URL"
        ], name
    # Whoever reaches Prefect's API can read every secret.
    assert set(services["prefect"]["networks"]) == {"inside"}
    assert whole["networks"]["inside"]["internal"] is True
    assert "inside" not in services["proxy"]["networks"]
    assert [name for name, one in services.items() if one.get("ports")] == ["proxy"]


def test_compose_refuses_without_secrets() -> None:
    done = compose.run("config", "--quiet", secrets=None)
    assert done.returncode != 0
    assert "deploy/secrets.sh" in done.stderr


@pytest.mark.parametrize("name", ["Caddyfile", "Caddyfile.compose"])
def test_caddy_accepts_its_file(name: str, tmp_path: Path) -> None:
    caddy = program("caddy")
    file = ["--config", str(DEPLOY / "proxy" / name), "--adapter", "caddyfile"]
    homes = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    done = run(caddy, "adapt", *file, **homes)
    assert done.returncode == 0, done.stderr
    assert "/metrics" in done.stdout
    assert json.loads(done.stdout)["apps"]["http"]["servers"]


def test_the_chart_passes_helms_linter() -> None:
    helm = pytest.importorskip("helm_python", reason=WHY)
    found = helm.lint(CHART, VALUES)
    assert found["errors"] == []
    assert [one for one in found["messages"] if one["severity"] > 1] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": ""},
        {"publicAddress": "mailroom.example.com"},
        {"settings": {"MAILROOM_API_KEY": "in the clear"}},
        {"image": {"repository": "mailroom", "tag": "latest"}},
        {"ingress": {"enabled": True, "host": "mailroom.example.com", "tlsSecret": ""}},
        {"unknown": 1},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_the_chart_refuses_wrong_values(wrong: dict[str, object]) -> None:
    helm = pytest.importorskip("helm_python", reason=WHY)
    with helm.Chart.load(CHART) as chart:
        chart.validate_schema(VALUES)
        with pytest.raises(helm.HelmError):
            chart.validate_schema(VALUES | wrong)


def rendered(values: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    helm = pytest.importorskip("helm_python", reason=WHY)
    with helm.Chart.load(CHART) as chart:
        texts = chart.render(values, name="prod")
    found = [one for name, text in texts.items() if name.endswith(".yaml") for one in yaml.safe_load_all(text) if one]
    return {(one["kind"], one["metadata"]["name"].removeprefix("prod-mailroom-")): one for one in found}


@pytest.mark.parametrize("version", ["1.28", "1.37"])
def test_what_the_chart_makes_is_what_kubernetes_knows(version: str) -> None:
    schemas = pytest.importorskip("kubernetes_validate", reason=WHY)
    objects = rendered(VALUES)
    for one in objects.values():
        schemas.validate(one, version, strict=True)
    kinds = {kind for kind, _ in objects}
    assert {"Deployment", "Service", "Ingress", "PodDisruptionBudget", "NetworkPolicy", "Job"} <= kinds


def test_the_chart_keeps_prefect_private_and_pods_harmless() -> None:
    objects = rendered(VALUES)
    policy = objects["NetworkPolicy", "prefect"]["spec"]
    text = json.dumps(policy)
    assert "namespaceSelector" not in text
    assert "4200" in text
    pods = [one["spec"]["template"]["spec"] for (kind, _), one in objects.items() if kind in {"Deployment", "Job"}]
    assert len(pods) == 7
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert not [
                one
                for one in container["env"]
                if re.search(r"(KEY|PEPPER|URL)$", one["name"]) and one["name"] != "MAILROOM_PREFECT_API_URL"
            ]


@pytest.mark.parametrize("name", units.SERVICES)
def test_a_unit_is_accepted_and_little_exposed(name: str) -> None:
    analyze = program("systemd-analyze", "It comes with systemd.")
    verified = run(analyze, "verify", "--man=no", units.FOLDER / name)
    told = [line for line in verified.stderr.splitlines() if "is not executable: No such file" not in line]
    told = [line for line in told if name.split("@", maxsplit=1)[0].removesuffix(".service") in line]
    assert told == []
    judged = run(analyze, "security", "--offline=true", f"--threshold={int(MOST_EXPOSED * 10)}", units.FOLDER / name)
    assert judged.returncode == 0, judged.stdout[-300:]


def test_a_worker_has_more_time_to_end_than_its_runs() -> None:
    worker = units.read("mailroom-worker@1.service")
    assert int(worker.last("TimeoutStopSec")) >= 30 + 15
    assert worker.last("KillSignal") == "SIGTERM"
