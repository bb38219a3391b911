"""`mailroom executions`: shows what became of an execution, delivery by delivery, and how far a large upload is."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from cyclopts import App, Parameter

from cli.commands.schedules.commands import show_execution, wait_for
from cli.output import print_json
from cli.rest_client import MailroomClient
from mailroom.settings import current

app = App(name="executions", help="Show what became of an execution.", help_format="plaintext")


@app.command
def show(execution_id: str, *, wait: float = 0, as_json: Annotated[bool, Parameter(name="--json")] = False) -> None:
    """Show an execution with its deliveries; of a large upload that is under way, how far it is.

    Parameters
    ----------
    execution_id
        The execution, as the history of its schedule shows it.
    wait
        Seconds to wait until it has ended; 0 does not wait.
    as_json
        Print JSON.
    """
    with MailroomClient(current(), timeout=60) as client:
        name = quote(execution_id, safe="")
        found: dict[str, Any] = wait_for(client, name, wait) if wait else client.call("GET", f"/executions/{name}")
    if as_json:
        print_json(found)
    else:
        show_execution(found)
