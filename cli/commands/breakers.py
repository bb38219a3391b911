"""`mailroom breakers`: shows which connections are held back since they do not work, and enables one."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from cyclopts import App, Parameter

from cli.output import out, print_json, print_table
from cli.rest_client import MailroomClient
from embedded.display import printable
from mailroom.settings import current

app = App(name="breakers", help="Show which connections are held back, and enable one again.", help_format="plaintext")
Json = Annotated[bool, Parameter(name="--json")]


@app.default
def breakers(*, as_json: Json = False) -> None:
    """Show the breaker of each connection that delivers, and what came through it within five minutes.

    Parameters
    ----------
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        found = [one for one in client.pages("/connections") if one["breaker"]]
    if as_json:
        print_json([{"name": one["name"], **one["breaker"]} for one in found])
        return
    columns = ("name", "state", "since", "tried again", "failed", "why")
    print_table("Breakers", columns, (_row(one["name"], one["breaker"]) for one in found))


@app.command
def enable(name: str, *, as_json: Json = False) -> None:
    """Let deliveries go through a connection again; what waits for it goes on.

    Parameters
    ----------
    name
        The connection.
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        found = client.call("POST", f"/connections/{quote(name, safe='')}/enable")
    if as_json:
        print_json(found)
        return
    out.print(printable(f"Deliveries go through the connection {name}."), soft_wrap=True, markup=False)


def _row(name: str, breaker: dict[str, Any]) -> tuple[str, ...]:
    tried = f"{breaker['failed']} of {breaker['attempts']}"
    return (name, breaker["state"], breaker["since"] or "", breaker["next_probe_at"] or "", tried, breaker["reason"])
