"""`mailroom schedules …`: talks to the REST API."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from cli.output import out, print_json, print_table
from cli.rest_client import MailroomClient
from mailroom.executions.history.upload_words import of_bytes
from mailroom.settings import current
from mailroom.states import DeliveryState, ExecutionState
from prefect_mailroom.errors import MailroomError

app = App(
    name="schedules",
    help="List, preview, create, pause, resume, delete, run and test schedules.",
    help_format="plaintext",
)
app.command(
    "cli.commands.schedules.diff:diff",
    name="diff",
    help=("Show how Prefect differs from the schedules; change nothing."),
)
app.command(
    "cli.commands.schedules.preview:preview",
    name="preview",
    help="Show the subject, text and paths of a schedule file, as its next delivery would have them.",
)


@app.command(name="list")
def list_(*, as_json: Annotated[bool, Parameter(name="--json")] = False) -> None:
    """List every schedule with its next run.

    Parameters
    ----------
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        found = client.pages("/schedules/")
    if as_json:
        print_json(found)
        return
    rows = [(s["id"], s["name"], s["report_id"], s["state"], _next(s)) for s in found]
    print_table(f"{len(rows)} schedules", ["id", "name", "report", "state", "next run"], rows)


@app.command
def show(schedule_id: str) -> None:
    """Print one schedule as JSON."""
    with MailroomClient(current()) as client:
        print_json(client.call("GET", f"/schedules/{_safe(schedule_id)}"))


@app.command
def create(file: str) -> None:
    """Create a schedule from a JSON or YAML file, or from standard input (`-`).

    Parameters
    ----------
    file
        The file, or `-`.
    """
    body = parse_body(read_text(file), file)
    with MailroomClient(current()) as client:
        made = client.call("POST", "/schedules/", body)
    out.print(f"Created {made['id']}; next run: {_next(made)}.", highlight=False)
    for warning in made.get("warnings") or []:
        out.print(f"Warning: {warning['message']}", markup=False)


@app.command
def warnings(schedule_id: str, *, as_json: Annotated[bool, Parameter(name="--json")] = False) -> None:
    """Print the warnings about a schedule: duplicates, shared files, crowded minutes, an end that is near.

    Parameters
    ----------
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        found = client.call("GET", f"/schedules/{_safe(schedule_id)}")["warnings"]
    if as_json:
        print_json(found)
        return
    print_table(f"{len(found)} warnings", ["what", "message"], [(each["code"], each["message"]) for each in found])


@app.command
def pause(schedule_id: str) -> None:
    """Pause a schedule: nothing is sent for it until it is resumed."""
    _act(schedule_id, "pause")


@app.command
def resume(schedule_id: str) -> None:
    """Resume a schedule."""
    _act(schedule_id, "resume")


@app.command
def delete(schedule_id: str) -> None:
    """Delete a schedule. Its history is kept, and for some minutes `undelete` brings it back."""
    with MailroomClient(current()) as client:
        client.call("DELETE", f"/schedules/{_safe(schedule_id)}", headers={"If-Match": "*"})
    out.print(f"Deleted {schedule_id}.", markup=False, highlight=False)


@app.command
def undelete(schedule_id: str) -> None:
    """Undo the deletion of a schedule, within some minutes of it."""
    _act(schedule_id, "undelete")


@app.command
def run(schedule_id: str, *, wait: float = 300) -> None:
    """Run a schedule now and wait until it has ended.

    Parameters
    ----------
    wait
        Seconds to wait.
    """
    _request(schedule_id, "run", wait)


@app.command(name="test")
def send_test(schedule_id: str, *, wait: float = 300) -> None:
    """Run a schedule as a test, which is sent only to you, and wait until it has ended.

    Parameters
    ----------
    wait
        Seconds to wait.
    """
    _request(schedule_id, "test", wait)


@app.command
def correct(
    execution_id: str,
    *,
    reason: str = "",
    wait: float = 300,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Send a wrong report again, rendered anew and marked so, to those who got the wrong one; wait until it has ended.

    Parameters
    ----------
    execution_id
        The wrong execution, as the history of its schedule shows it.
    reason
        What was wrong, in a line that the recipients read.
    wait
        Seconds to wait; 0 does not wait.
    as_json
        Print JSON.
    """
    with MailroomClient(current(), timeout=60) as client:
        body = {"reason": reason} if reason else {}
        execution = client.call("POST", f"/executions/{_safe(execution_id)}/correct", body)
        if wait:
            execution = wait_for(client, execution["id"], wait)
    if as_json:
        print_json(execution)
    else:
        show_execution(execution)
    if wait and execution["status"] not in ("success", "skipped"):
        sys.exit(1)


@app.command
def backfill(
    schedule_id: str,
    *,
    from_: Annotated[str, Parameter(name="--from")],
    until: str,
    again: bool = False,
    dry_run: bool = False,
) -> None:
    """Run past due times in order, one after the other.

    Parameters
    ----------
    from_
        First day in the schedule's time zone, such as 2026-11-01, or an instant with its offset.
    until
        Last day, or an instant.
    again
        Include due times that were delivered already.
    dry_run
        Only show what would be done.
    """
    body = {"from": from_, "until": until, "again": again, "dry_run": dry_run}
    with MailroomClient(current(), timeout=60) as client:
        plan = client.call("POST", f"/schedules/{_safe(schedule_id)}/backfill", body)
    rows = [(due, "would run" if dry_run else "runs") for due in plan["due"]]
    rows += [(one["due_at"], f"left out: {one['reason']}") for one in plan["left_out"]]
    print_table(f"{len(plan['due'])} due times", ["due", "backfill"], sorted(rows))


def read_text(file: str) -> str:
    """Return the text of a file, or of standard input.

    Raises:
        MailroomError: it cannot be read.
    """
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MailroomError(
            f"{file} cannot be read: {error}.", remedy="Give the path of a JSON or YAML file, or `-`."
        ) from error


def parse_body(text: str, name: str, what: str = "a schedule") -> dict[str, Any]:
    """Return a schedule, or what else is wanted, from JSON or YAML text.

    Raises:
        MailroomError: naming line and column of the fault.
    """
    import yaml

    try:
        body = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except json.JSONDecodeError as error:
        raise MailroomError(f"{name}, line {error.lineno}, column {error.colno}: {error.msg}.") from error
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f", line {place.line + 1}, column {place.column + 1}" if place else ""
        raise MailroomError(f"{name}{where}: {getattr(error, 'problem', None) or 'is not YAML'}.") from error
    if not isinstance(body, dict):
        remedy = "Write an object, such as one with name, report_id, timing, formats and destinations for a schedule."
        raise MailroomError(f"{name} does not contain {what}.", remedy=remedy)
    return body


def _safe(schedule_id: str) -> str:
    """Return the id as a path segment.

    Raises:
        MailroomError: it is none.
    """
    if not schedule_id or not all(c.isascii() and (c.isalnum() or c == "-") for c in schedule_id):
        raise MailroomError(f"{schedule_id!r} is not a schedule id.", remedy="`mailroom schedules list` shows the ids.")
    return schedule_id


def _next(schedule: dict[str, Any]) -> str:
    """Return the next run in the schedule's own zone, or `none`."""
    runs = schedule.get("next_runs") or []
    return str(runs[0]["local"]) if runs else "none"


def _act(schedule_id: str, action: str) -> None:
    with MailroomClient(current()) as client:
        schedule = client.call("POST", f"/schedules/{_safe(schedule_id)}/{action}")
    out.print(f"{schedule['name']}: {schedule['state']}.", markup=False, highlight=False)


def _request(schedule_id: str, action: str, wait: float) -> None:
    with MailroomClient(current(), timeout=60) as client:
        asked = client.call("POST", f"/schedules/{_safe(schedule_id)}/{action}")
        execution = wait_for(client, asked["id"], wait)
    show_execution(execution)
    sys.exit(0 if execution["status"] in ("success", "skipped") else 1)


def wait_for(client: MailroomClient, execution_id: str, seconds: float) -> dict[str, Any]:
    """Wait for an execution to end, and return it.

    Raises:
        MailroomError: it has not ended in time; it goes on.
    """
    deadline = time.monotonic() + seconds
    with out.status("waiting …") as status:
        while True:
            execution: dict[str, Any] = client.call("GET", f"/executions/{execution_id}")
            sent = ", ".join(filter(None, map(sent_words, execution.get("deliveries") or [])))
            status.update(f"execution {execution['id']}: {execution['status']}{f', {sent} have left' if sent else ''}")
            if ExecutionState(execution["status"]).ended:
                return execution
            if time.monotonic() > deadline:
                raise MailroomError(
                    (
                        f"The execution {execution_id} is {execution['status']} after {seconds:g} s; it is "
                        "still in progress."
                    ),
                    remedy="Look at it in the Prefect UI, or wait longer with --wait.",
                )
            time.sleep(0.5)


def sent_words(delivery: dict[str, Any]) -> str:
    """Return how far the upload of a delivery is, such as "62 of 214 MB"; '' where that is not told."""
    if delivery["status"] != DeliveryState.SENDING or not delivery.get("total_bytes"):
        return ""
    return of_bytes(delivery["sent_bytes"], delivery["total_bytes"])


def show_execution(execution: dict[str, Any]) -> None:
    """Print what became of each delivery."""
    rows = [
        (
            d["channel"],
            d["recipient"],
            d["status"] + (f", {sent}" if (sent := sent_words(d)) else ""),
            d.get("delivered_at") or "-",
            d.get("grade") or "-",
            d.get("error_message") or "",
        )
        for d in execution.get("deliveries") or []
    ]
    title = f"Execution {execution['id']}: {execution['status']} {execution.get('reason') or ''}"
    print_table(title, ["channel", "recipient", "state", "delivered", "receipt", "error"], rows)
    if error := execution.get("error"):
        known_as = f" (error id {error['id']})" if error["id"] else ""
        out.print(f"{error['message']}{known_as}", markup=False)
