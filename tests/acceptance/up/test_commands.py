"""`mailroom up`, really started: it serves, refuses a second one, and every command beside it does what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from tests.acceptance.up.running import Command, Up, answers

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("embedded"), pytest.mark.timeout(600)]


def test_everything_answers(up: Up) -> None:
    assert answers(up.configuration.api_port, "/healthz")
    assert answers(up.configuration.prefect_port, "/api/health")
    assert answers(up.configuration.prefect_port, "/")
    assert answers(up.configuration.mail_web_port, "/api/messages")
    for name in ("API docs", "Prefect UI", "Mail catcher", "API key"):
        assert name in up.said()


def test_the_first_admin_logs_in_by_the_link_that_was_printed(up: Up, mailroom: Command) -> None:
    found = re.search(r"Log in  (http://127\.0\.0\.1:\d+/login/link\?token=\S+)", up.said())
    assert found, up.said()
    with httpx.Client(trust_env=False) as browser:
        page = browser.get(found.group(1))
        token = re.search(r'name="csrf_token" value="(\w+)"', page.text)
        assert token, page.text
        fields = {"csrf_token": token.group(1), "token": found.group(1).partition("token=")[2]}
        site = f"http://127.0.0.1:{up.configuration.api_port}"
        entered = browser.post(f"{site}/login/link", data=fields, headers={"Origin": site})
        assert entered.status_code == 303, entered.text
        assert up.configuration.owner_email in browser.get(f"{site}/me").text
    assert up.configuration.owner_email in mailroom("sessions", "list").stdout
    made = mailroom("users", "link", up.configuration.owner_email, "--reset")
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


def test_a_schedule_is_made_run_paused_and_deleted_by_the_command_line(
    up: Up, mailroom: Command, tmp_path: Path
) -> None:
    (tmp_path / "delays.yaml").write_text(SCHEDULE)
    created = mailroom("schedules", "create", str(tmp_path / "delays.yaml"))
    assert created.returncode == 0, created.stderr
    [schedule] = json.loads(mailroom("schedules", "list", "--json").stdout)
    assert json.loads(mailroom("schedules", "warnings", schedule["id"], "--json").stdout) == []
    assert "0 warnings" in mailroom("schedules", "warnings", schedule["id"]).stdout

    ran = up.command("run", schedule["id"])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "delivered" in ran.stdout
    assert (up.folder / "delivered" / "weekly" / "delay-list.csv").stat().st_size > 100_000
    # The run had it rendered by the service, not by a process of its own.
    assert "delay-list (csv): done" in (up.folder / "logs" / "renderers.log").read_text()

    assert "paused" in mailroom("schedules", "pause", schedule["id"]).stdout
    refused = mailroom("schedules", "run", schedule["id"])
    assert refused.returncode == 1
    assert "Resume the schedule first" in refused.stderr
    tested = mailroom("schedules", "test", schedule["id"])
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert (up.folder / "delivered" / "test" / "weekly" / "delay-list.csv").is_file()
    assert "active" in mailroom("schedules", "resume", schedule["id"]).stdout
    assert mailroom("schedules", "delete", schedule["id"]).returncode == 0
    assert "active" in mailroom("schedules", "undelete", schedule["id"]).stdout
    assert mailroom("schedules", "delete", schedule["id"]).returncode == 0
    assert json.loads(mailroom("schedules", "list", "--json").stdout) == []


def test_a_wrong_schedule_is_refused_field_by_field(mailroom: Command, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(
        SCHEDULE.replace("delay-list", "no-such-report").replace("[csv]", "[pdf, doc]")
    )
    refused = mailroom("schedules", "create", str(tmp_path / "wrong.yaml"))

    assert refused.returncode == 1
    assert "formats.1" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_reports_are_listed_and_rendered_without_the_api(up: Up, mailroom: Command, tmp_path: Path) -> None:
    listed = json.loads(mailroom("reports", "list", "--json").stdout)
    assert {"carrier-punctuality", "airport-daily-departures", "delay-list"} <= {report["id"] for report in listed}

    done = up.command("reports", "render", "carrier-punctuality", "--formats", "csv,pdf", "--to", str(tmp_path / "out"))

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "carrier-punctuality.pdf").read_bytes().startswith(b"%PDF")
    assert not (tmp_path / "out" / "carrier-punctuality.xlsx").exists()
    refused = mailroom("reports", "render", "carrier-punctuality", "--formats", "doc")
    assert (refused.returncode, "has no format doc" in refused.stderr) == (1, True)


def test_a_second_one_on_the_same_folder_is_refused(up: Up) -> None:
    refused = up.command("up")

    assert refused.returncode == 2
    assert "in use by another Mailroom" in refused.stderr


def test_a_port_in_use_is_refused_before_anything_starts(up: Up, tmp_path: Path) -> None:
    refused = up.command("up", MAILROOM_DATA_DIR=str(tmp_path / "other"))

    assert refused.returncode == 2
    assert f"Port {up.configuration.api_port} (MAILROOM_API_PORT) is in use" in refused.stderr
    assert not list((tmp_path / "other" / "logs").iterdir())
