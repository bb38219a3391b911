"""The main job, end to end: created by REST, fired by its cron minute, mailed, opened, compared with the data.

Then Ctrl-C ends every process, and after the next start the same again. Meanwhile a schedule that fails is told once,
and its end once.
"""

from __future__ import annotations

import csv
import io
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pypdf
import pytest

from embedded import ports
from tests.acceptance.up.running import OWNER, Up
from tests.support.smtp import SmtpServer, smtp_settings
from tests.support.system import System, wait_for

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600), pytest.mark.xdist_group("embedded")]
PERIOD = ("2013-07-01", "2013-07-31")
BODY: dict[str, Any] = {
    "name": "Carrier punctuality, JFK",
    "report_id": "carrier-punctuality",
    "timing": {"frequency": "cron", "expression": "0 0 1 1 *", "timezone": "UTC"},
    "parameters": {"from": PERIOD[0], "to": PERIOD[1], "origin": "JFK"},
    "formats": ["pdf", "xlsx", "csv"],
    "destinations": [
        {"channel": "email", "connection": "local-mail", "to": ["ada@example.com"], "bcc": ["bob@example.com"]},
        {"channel": "folder", "connection": "local-folder"},
    ],
}


def next_minute(least: float = 25) -> datetime:
    """A full minute that is at least `least` seconds away."""
    return (datetime.now(UTC) + timedelta(seconds=least + 60)).replace(second=0, microsecond=0)


@dataclass
class Made:
    """The schedule that both starts fire, and its first due time."""

    id: str
    first_due: datetime


@pytest.fixture(scope="module")
def made(up: Up) -> Made:
    first_due = next_minute(least=40)
    timing = {**BODY["timing"], "expression": f"{first_due.minute} {first_due.hour} * * *"}
    created = up.api("POST", "/schedules/", {**BODY, "timing": timing}, status=201)
    assert datetime.fromisoformat(created["next_runs"][0]["at"]) == first_due
    return Made(created["id"], first_due)


def reports(system: System) -> list[dict[str, Any]]:
    """The mails to readers; those to the owner are alerts."""
    return [mail for mail in system.mails() if mail["recipients"] != [OWNER]]


def expected_rows(database: Path) -> list[tuple[str, int]]:
    """Airline and number of flights from JFK, worked out here and not by the report's SQL."""
    with sqlite3.connect(database) as connection:
        names = dict(connection.execute("SELECT carrier, name FROM airlines"))
        counts: dict[str, int] = {}
        query = "SELECT carrier FROM flight_records WHERE origin = 'JFK' AND year = 2013 AND month = 7"
        for (carrier,) in connection.execute(query):
            counts[names[carrier]] = counts.get(names[carrier], 0) + 1
    connection.close()
    return sorted(counts.items())


def check_files(files: dict[str, bytes], expected: list[tuple[str, int]]) -> None:
    """PDF, XLSX and CSV hold the data, and nothing else."""
    lines = list(csv.DictReader(io.StringIO(files["carrier-punctuality.csv"].decode("utf-8-sig"))))
    assert sorted((line["airline"], int(line["flights"])) for line in lines) == expected
    sheet = openpyxl.load_workbook(io.BytesIO(files["carrier-punctuality.xlsx"])).worksheets[0]
    header, *rows = list(sheet.iter_rows(values_only=True))
    airline, flights = header.index("Airline"), header.index("Flights")
    assert sorted((row[airline], row[flights]) for row in rows) == expected
    assert sheet.freeze_panes == "A2"
    pages = pypdf.PdfReader(io.BytesIO(files["carrier-punctuality.pdf"])).pages
    text = " ".join(page.extract_text() for page in pages)
    assert f"{sum(count for _, count in expected):,}" in text, "the total of flights is a key figure"
    assert all(name in text for name, _ in expected)


def test_fired_by_its_minute(up: Up, made: Made) -> None:
    with SmtpServer().in_thread() as refusing:
        failing = failing_schedule(up, BODY, refusing)
        check_retry(up, BODY)
        wait_for("the alert", lambda: told_of(up, failing) == ["opened"], 120)
        refusing.replies.clear()
        up.api("POST", f"/schedules/{failing}/run", status=202)
        execution = up.fired(made.id, made.first_due)
        assert execution["status"] == "success", execution
        assert {d["status"] for d in execution["deliveries"]} == {"delivered"}
        assert sorted(mail["recipients"] for mail in reports(up)) == [["ada@example.com"], ["bob@example.com"]]
        expected = expected_rows(up.folder / "samples" / "flights.db")
        for mail in reports(up):
            check_files(up.attachments(mail), expected)
        rendered = {a["filename"]: a["sha256"] for a in execution["artifacts"]}
        assert len(rendered) == 3
        run = _flow_run(up, execution)
        assert run["name"].startswith("Carrier punctuality, JFK · ")
        assert f"schedule:{made.id}" in run["tags"]
        assert _summary_of(up, run["id"]).count("/download") == 3
        wait_for("the end to be told", lambda: told_of(up, failing) == ["opened", "resolved"], 120)
        assert [one["subject"] for one in incidents(up)] == [failing], "what recovers by a retry is no incident"


def test_ctrl_c_ends_everything_with_status_0(up: Up) -> None:
    assert up.process is not None
    up.process.send_signal(signal.SIGINT)

    assert up.process.wait(60) == 0, up.said()
    assert "Traceback" not in up.said()
    assert up.processes() == []
    assert ports.faults(up.configuration) == []


def test_fired_again_after_a_restart_of_everything(up: Up, made: Made) -> None:
    up.start()
    second_due = next_minute()
    timing = {"timing": {"expression": f"{second_due.minute} {second_due.hour} * * *"}}
    changed = up.api("PATCH", f"/schedules/{made.id}", timing)
    assert datetime.fromisoformat(changed["next_runs"][0]["at"]) == second_due
    again = up.fired(made.id, second_due)
    assert again["status"] == "success", again
    assert len(reports(up)) == 4, "each occurrence once to each recipient"
    items = up.api("GET", f"/schedules/{made.id}/history")["items"]
    assert [datetime.fromisoformat(item["due_at"]) for item in items] == [second_due, made.first_due]
    run = _flow_run(up, again)
    retried = httpx.post(
        f"{_prefect(up)}/flow_runs/{run['id']}/set_state",
        json={"state": {"type": "SCHEDULED", "name": "AwaitingRetry"}, "force": True},
        timeout=30,
    )
    assert retried.is_success
    wait_for("the retry", lambda: _flow_run(up, again)["run_count"] == 2 and _ended(up, again), 120)
    assert _flow_run(up, again)["state"]["type"] == "COMPLETED"
    assert len(reports(up)) == 4, "Retry in Prefect's UI repeats no confirmed delivery"


def failing_schedule(system: System, body: dict[str, Any], far: SmtpServer) -> str:
    """Run a schedule whose only reader is refused for good, and return its id."""
    far.replies["gone@example.com"] = "550 5.1.1 There is nobody of this name"
    values = smtp_settings(far.port)
    system.api("POST", "/connections", {"name": "refusing", "kind": "email", "settings": values}, status=201)
    mail = {"channel": "email", "connection": "refusing", "to": ["gone@example.com"]}
    timing = {"frequency": "cron", "expression": "0 0 1 1 *", "timezone": "UTC"}
    change = {"name": "To nobody", "timing": timing, "formats": ["csv"], "destinations": [mail]}
    made = system.api("POST", "/schedules/", {**body, **change}, status=201)
    system.api("POST", f"/schedules/{made['id']}/run", status=202)
    return str(made["id"])


def incidents(system: System) -> list[dict[str, Any]]:
    """Every incident that there was, also those that another one covers."""
    found: list[dict[str, Any]] = system.api("GET", "/incidents?merged=true")["items"]
    return found


def told_of(system: System, schedule_id: str) -> list[str]:
    """What the owner got by mail about the incident of a schedule: one word for each mail in the catcher."""
    name = system.api("GET", f"/schedules/{schedule_id}")["name"]
    subjects = [mail["subject"] for mail in reversed(system.mails()) if mail["recipients"] == [OWNER]]
    return ["resolved" if subject.startswith("Over: ") else "opened" for subject in subjects if name in subject]


def check_retry(system: System, body: dict[str, Any]) -> None:
    """An `immediate` schedule to a server that is down waits without a slot, and arrives once it is up."""
    far = SmtpServer(port=ports.free_port("127.0.0.1"))  # Known before anything listens there.
    values = smtp_settings(far.port)
    system.api("POST", "/connections", {"name": "late", "kind": "email", "settings": values}, status=201)
    mail = {"channel": "email", "connection": "late", "to": ["eve@example.com"]}
    change = {"name": "At once", "timing": {"frequency": "immediate"}, "formats": ["csv"], "destinations": [mail]}
    schedule = system.api("POST", "/schedules/", {**body, **change}, status=201)

    def is_at(status: str) -> Callable[[], bool]:
        def look() -> bool:
            items = system.api("GET", f"/schedules/{schedule['id']}/history")["items"]
            return bool(items) and items[0]["status"] == status

        return look

    wait_for("the retry to wait", is_at("retrying"), 120)
    items = system.api("GET", f"/schedules/{schedule['id']}/history")["items"]
    wait_for("the slot to be given back", lambda: _flow_run(system, items[0])["state"]["name"] == "AwaitingRetry", 60)
    with far.in_thread():
        wait_for("the delivery", is_at("success"), 120)
    assert far.taken() == ["eve@example.com"]
    assert system.api("GET", f"/schedules/{schedule['id']}")["state"] == "finished"


def _prefect(system: System) -> str:
    return f"http://127.0.0.1:{system.ports['PREFECT_PORT']}/api"


def _flow_run(system: System, execution: dict[str, Any]) -> dict[str, Any]:
    run_id = execution["links"]["prefect"].rsplit("/", 1)[1]
    found: dict[str, Any] = httpx.get(f"{_prefect(system)}/flow_runs/{run_id}", timeout=30).json()
    return found


def _ended(system: System, execution: dict[str, Any]) -> bool:
    return _flow_run(system, execution)["state"]["type"] in ("COMPLETED", "FAILED", "CRASHED")


def _summary_of(system: System, run_id: str) -> str:
    wanted = {"artifacts": {"flow_run_id": {"any_": [run_id]}}}
    found = httpx.post(f"{_prefect(system)}/artifacts/filter", json=wanted, timeout=30).json()
    return str(found[0]["data"])
