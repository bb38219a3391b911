"""`mailroom incidents`: shows what is wrong, and takes note of it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from cyclopts import App, Parameter

from cli.output import out, print_json, print_table
from cli.rest_client import MailroomClient
from embedded.display import printable
from mailroom.settings import current

app = App(name="incidents", help="Show what is wrong, and take note of it.", help_format="plaintext")
Json = Annotated[bool, Parameter(name="--json")]


@app.default
def incidents(*, every: Annotated[bool, Parameter(name="--all")] = False, as_json: Json = False) -> None:
    """List what is wrong now, the latest first.

    Parameters
    ----------
    every
        List also what is over, and what follows from something else.
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        found = list(client.pages("/incidents", **({"merged": "true"} if every else {"open": "true"})))
    if as_json:
        print_json(found)
        return
    columns = ("id", "since", "until", "severity", "what", "told", "taken note of by")
    print_table("Incidents", columns, (_row(one) for one in found))


@app.command
def acknowledge(incident: str, *, as_json: Json = False) -> None:
    """Say that you take care of an incident: it goes to nobody else.

    Parameters
    ----------
    incident
        The id of the incident.
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        found = client.call("POST", f"/incidents/{quote(incident, safe='')}/acknowledge")
    if as_json:
        print_json(found)
        return
    out.print(printable(f"Taken note of: {found['title']}."), soft_wrap=True, markup=False)
    for line in found["to_do"]:
        out.print(printable(f"  {line}"), soft_wrap=True, markup=False)


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    until = one["resolved_at"] or ""
    return (
        one["id"],
        one["opened_at"],
        until,
        one["severity"],
        one["title"],
        one["level"],
        one["acknowledged_by"] or "",
    )
