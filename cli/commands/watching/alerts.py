"""`mailroom alerts`: shows who was told of which incident, and sends a test by each route."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import App, Parameter

from cli.output import out, print_json, print_table
from cli.rest_client import MailroomClient
from embedded.display import printable
from mailroom.settings import current

app = App(name="alerts", help="Show who was told of incidents, and test the routes.", help_format="plaintext")
Json = Annotated[bool, Parameter(name="--json")]
_LONGEST_TEST = 60.0


@app.default
def alerts(*, state: str = "", incident: str = "", as_json: Json = False) -> None:
    """Show who was told of which incident, by which route, and whether it went; the latest 50.

    Parameters
    ----------
    state
        Only those in this state: pending, sent, failed or withdrawn.
    incident
        Only those of this incident, by its id.
    as_json
        Print JSON.
    """
    query = "&".join(f"{name}={value}" for name, value in (("state", state), ("incident", incident)) if value)
    with MailroomClient(current()) as client:
        found = client.call("GET", f"/alerts?{query}" if query else "/alerts")["items"]
    if as_json:
        print_json(found)
        return
    columns = ("created", "incident", "tells", "route", "to", "state", "error")
    names = ("created_at", "incident_id", "stage", "route", "target", "state", "error")
    print_table("Alerts", columns, (tuple(one[name] or "" for name in names) for one in found))


@app.command(name="test")
def send_test(*, as_json: Json = False) -> None:
    """Send a test alert by each route that is set. Exit status 1: one of them does not work.

    Parameters
    ----------
    as_json
        Print JSON.
    """
    with MailroomClient(current(), timeout=_LONGEST_TEST) as client:
        found = client.call("POST", "/alerts/test")
    if as_json:
        print_json(found)
    else:
        rows = ((one["route"], one["target"], "yes" if one["ok"] else "NO", one["message"]) for one in found["routes"])
        print_table("Test of alerts", ("route", "to", "works", "what happened"), rows)
        out.print(printable("Each route works." if found["ok"] else "A route does not work."), markup=False)
    sys.exit(0 if found["ok"] else 1)
