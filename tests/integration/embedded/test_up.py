"""`mailroom up`, really started: it serves, refuses a second one, mends a dead child, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from embedded import data_dir, ports
from embedded.processes.guard import lives
from mailroom.rendering import client
from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError
from tests.support.prefect_template import lay_out_system
from tests.support.processes import below, command_lines, with_variable
from tests.support.waiting import eventually_sync

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("embedded"), pytest.mark.timeout(600)]
START_SECONDS = 240


class Up:
    """One `mailroom up` in a data folder and on ports of its own."""

    def __init__(self, folder: Path) -> None:
        free = ports.free_ports("127.0.0.1", len(ports.PORT_FIELDS))
        chosen = dict(zip(ports.PORT_FIELDS, free, strict=True))
        self.settings = Settings.model_validate({"data_dir": folder, **chosen})
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MAILROOM_", "PREFECT_"))}
        variables = {f"MAILROOM_{name.upper()}": str(port) for name, port in chosen.items()}
        self.environment = {**inherited, **variables, "MAILROOM_DATA_DIR": str(folder)}
        self.output = folder.with_suffix(".output")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Start it and wait until it says that everything is there."""
        lay_out_system(self.settings.data_dir)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "up"],
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process = self.process
        eventually_sync(
            lambda: "Press Ctrl-C to stop everything" in self.said() or process.poll() is not None, START_SECONDS
        )
        assert process.poll() is None, self.said()
        return process

    def said(self) -> str:
        """All that it has printed."""
        return self.output.read_text(errors="replace")

    def command(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Another `mailroom` command beside it."""
        command = [sys.executable, "-m", "cli.main", *arguments]
        environment = {**self.environment, **changes}
        return subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=120)

    def processes(self) -> list[psutil.Process]:
        """Every process that belongs to this data folder."""
        return with_variable("MAILROOM_DATA_DIR", str(self.settings.data_dir))

    def process_with(self, words: str) -> psutil.Process:
        """The one process of this data folder whose command line has these words."""
        (found,) = [process for process, line in command_lines(self.processes()) if words in line]
        return found

    def kill_all(self) -> None:
        """For the end of a test that failed half-way."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A system that runs; the last tests of this module end it."""
    system = Up(tmp_path_factory.mktemp("embedded") / "data")
    try:
        system.start()
        yield system
    finally:
        system.kill_all()


def _answers(port: int, path: str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False


def test_everything_answers(up: Up) -> None:
    assert _answers(up.settings.api_port, "/healthz")
    assert _answers(up.settings.prefect_port, "/api/health")
    assert _answers(up.settings.prefect_port, "/")
    assert _answers(up.settings.mail_web_port, "/api/messages")
    for name in ("API docs", "Prefect UI", "Mail catcher", "API key"):
        assert name in up.said()


def test_the_first_admin_logs_in_by_the_link_that_was_printed(up: Up) -> None:
    found = re.search(r"Log in  (http://127\.0\.0\.1:\d+/login/link\?token=\S+)", up.said())
    assert found, up.said()
    with httpx.Client(trust_env=False) as browser:
        page = browser.get(found.group(1))
        token = re.search(r'name="csrf_token" value="(\w+)"', page.text)
        assert token, page.text
        fields = {"csrf_token": token.group(1), "token": found.group(1).partition("token=")[2]}
        site = f"http://127.0.0.1:{up.settings.api_port}"
        entered = browser.post(f"{site}/login/link", data=fields, headers={"Origin": site})
        assert entered.status_code == 303, entered.text
        assert up.settings.owner_email in browser.get(f"{site}/me").text
    assert up.settings.owner_email in up.command("sessions", "list").stdout
    made = up.command("users", "link", up.settings.owner_email, "--reset")
    assert (made.returncode, "/login/link?token=" in made.stdout) == (0, True), made.stderr


def test_the_doctor_finds_nothing_wrong(up: Up) -> None:
    done = up.command("doctor", "--json")
    findings = json.loads(done.stdout)

    assert [finding for finding in findings if finding["level"] == "problem"] == []
    assert done.returncode == 0
    checks = {finding["check"] for finding in findings}
    assert {
        "worker",
        "renderers",
        "work pool",
        "block types",
        "API",
        "connection local-mail",
        "connection flights",
    } <= checks


def test_the_command_line_reaches_the_api_with_the_key_of_the_folder(up: Up) -> None:
    done = up.command("schedules", "list", "--json")

    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    refused = up.command("schedules", "list", MAILROOM_API_KEY="wrong" * 8)
    assert refused.returncode == 1
    assert "API key" in refused.stderr


SCHEDULE = """
name: Delays of a week
report_id: delay-list
timing: {frequency: weekly, days: [mon], at: "09:00", timezone: Europe/Berlin}
formats: [csv]
destinations:
  - {channel: folder, connection: local-folder, path: "weekly/{report_slug}.{ext}"}
"""


def test_a_schedule_is_made_run_paused_and_deleted_by_the_command_line(up: Up, tmp_path: Path) -> None:
    (tmp_path / "delays.yaml").write_text(SCHEDULE)
    created = up.command("schedules", "create", str(tmp_path / "delays.yaml"))
    assert created.returncode == 0, created.stderr
    [schedule] = json.loads(up.command("schedules", "list", "--json").stdout)
    assert json.loads(up.command("schedules", "warnings", schedule["id"], "--json").stdout) == []
    assert "0 warnings" in up.command("schedules", "warnings", schedule["id"]).stdout

    ran = up.command("run", schedule["id"])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "delivered" in ran.stdout
    assert (up.settings.data_dir / "delivered" / "weekly" / "delay-list.csv").stat().st_size > 100_000
    # The run had it rendered by the service, not by a process of its own.
    assert "delay-list (csv): done" in (up.settings.data_dir / "logs" / "renderers.log").read_text()

    assert "paused" in up.command("schedules", "pause", schedule["id"]).stdout
    refused = up.command("schedules", "run", schedule["id"])
    assert refused.returncode == 1
    assert "Resume the schedule first" in refused.stderr
    tested = up.command("schedules", "test", schedule["id"])
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert (up.settings.data_dir / "delivered" / "test" / "weekly" / "delay-list.csv").is_file()
    assert "active" in up.command("schedules", "resume", schedule["id"]).stdout
    assert up.command("schedules", "delete", schedule["id"]).returncode == 0
    assert "active" in up.command("schedules", "undelete", schedule["id"]).stdout
    assert up.command("schedules", "delete", schedule["id"]).returncode == 0
    assert json.loads(up.command("schedules", "list", "--json").stdout) == []


def test_a_wrong_schedule_is_refused_field_by_field(up: Up, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(
        SCHEDULE.replace("delay-list", "no-such-report").replace("[csv]", "[pdf, doc]")
    )
    refused = up.command("schedules", "create", str(tmp_path / "wrong.yaml"))

    assert refused.returncode == 1
    assert "formats.1" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_reports_are_listed_and_rendered_without_the_api(up: Up, tmp_path: Path) -> None:
    listed = json.loads(up.command("reports", "list", "--json").stdout)
    assert {"carrier-punctuality", "airport-daily-departures", "delay-list"} <= {report["id"] for report in listed}

    done = up.command("reports", "render", "carrier-punctuality", "--formats", "csv,pdf", "--to", str(tmp_path / "out"))

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "carrier-punctuality.pdf").read_bytes().startswith(b"%PDF")
    assert not (tmp_path / "out" / "carrier-punctuality.xlsx").exists()
    refused = up.command("reports", "render", "carrier-punctuality", "--formats", "doc")
    assert (refused.returncode, "has no format doc" in refused.stderr) == (1, True)


def test_secrets_are_not_beside_what_they_guard_nor_in_logs(up: Up) -> None:
    folder = up.settings.data_dir
    with closing(sqlite3.connect(folder / "prefect" / "prefect.db")) as database:
        [(stored,)] = database.execute("select count(*) from configuration where key = 'ENCRYPTION_KEY'")
    assert stored == 0
    secrets = [(folder / name).read_text().strip() for name in ("api-key", "prefect-encryption-key")]
    logs = up.said() + "".join(log.read_text(errors="replace") for log in (folder / "logs").iterdir())
    arguments = " ".join(line for _, line in command_lines(up.processes()))
    assert not [secret for secret in secrets if secret in logs or secret in arguments]


def test_a_second_one_on_the_same_folder_is_refused(up: Up) -> None:
    refused = up.command("up")

    assert refused.returncode == 2
    assert "in use by another Mailroom" in refused.stderr


def test_a_port_in_use_is_refused_before_anything_starts(up: Up, tmp_path: Path) -> None:
    refused = up.command("up", MAILROOM_DATA_DIR=str(tmp_path / "other"))

    assert refused.returncode == 2
    assert f"Port {up.settings.api_port} (MAILROOM_API_PORT) is in use" in refused.stderr
    assert not list((tmp_path / "other" / "logs").iterdir())


def test_a_child_that_dies_comes_back(up: Up) -> None:
    up.process_with("embedded.mailcatcher").kill()

    eventually_sync(lambda: "It will be started again in 1 s" in up.said(), 30)
    eventually_sync(lambda: _answers(up.settings.mail_web_port, "/api/messages"), 60)


def test_renderers_that_are_killed_come_back_and_leave_no_orphan(up: Up, tmp_path: Path) -> None:
    service = up.process_with("mailroom.rendering.renderers.service")
    eventually_sync(lambda: len(service.children()) == up.settings.renderers, 30)
    theirs = service.children()
    service.kill()

    eventually_sync(lambda: not any(lives(process) for process in theirs), 30)
    eventually_sync(lambda: asyncio.run(client.is_serving(up.settings)), 60)
    done = up.command(
        "reports", "render", "carrier-punctuality", "--formats", "csv", "--to", str(tmp_path),
        MAILROOM_RENDERERS_SOCKET=str(up.settings.renderers_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_ctrl_c_ends_everything_with_status_0(up: Up) -> None:
    assert up.process is not None
    up.process.send_signal(signal.SIGINT)

    assert up.process.wait(60) == 0, up.said()
    assert "Traceback" not in up.said()
    assert up.processes() == []
    assert ports.faults(up.settings) == []


def test_killed_it_leaves_no_orphan_and_can_start_again(up: Up) -> None:
    process = up.start()
    assert len(up.processes()) >= 7
    everything = below(process.pid)
    assert [line for _, line in command_lines(everything) if "mailroom.rendering.renderers.child" in line]
    process.kill()
    process.wait(60)

    eventually_sync(lambda: not up.processes() and not any(lives(child) for child in everything), 60)
    # A child that was being forked when it happened may be the last one to leave.
    eventually_sync(lambda: _is_free(up.settings.data_dir), 60)
    assert ports.faults(up.settings) == []


def _is_free(folder: Path) -> bool:
    try:
        with data_dir.locked(folder):
            return True
    except ConfigurationError:
        return False
