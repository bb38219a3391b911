"""`mailroom sessions …`: list and end the log-ins of browsers, over the REST API."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from cyclopts import App, Parameter

from cli.commands.members.users import reference_of
from cli.output import out, print_json, print_table
from cli.rest_client import MailroomClient
from mailroom.settings import current

app = App(name="sessions", help="List and end the log-ins of browsers.", help_format="plaintext")
Json = Annotated[bool, Parameter(name="--json")]


@app.command(name="list")
def list_(*, user: str = "", as_json: Json = False) -> None:
    """List the sessions that can be used, newest first.

    Parameters
    ----------
    user
        Only sessions of this user: the e-mail address, the id, or `ext:` and the external id.
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        found = client.pages("/sessions", **({"user": reference_of(client, user)} if user else {}))
        names = {one["id"]: one["email"] for one in client.pages("/users")}
    if as_json:
        print_json(found)
        return
    rows = [
        (one["id"], names.get(one["user_id"], one["user_id"]), one["method"], one["address"], one["last_seen_at"])
        for one in found
    ]
    print_table(f"{len(rows)} sessions", ["id", "user", "began by", "from", "last used"], rows)


@app.command
def end(session_id: str) -> None:
    """End a session; the next request in it is refused.

    Parameters
    ----------
    session_id
        The id, as `mailroom sessions list` shows it.
    """
    with MailroomClient(current()) as client:
        client.call("DELETE", f"/sessions/{quote(session_id, safe='')}")
    out.print(f"{session_id} has ended.", markup=False, highlight=False)


@app.command(name="end-all")
def end_all() -> None:
    """End all sessions of the user whose key this is."""
    with MailroomClient(current()) as client:
        client.call("DELETE", "/sessions")
    out.print("All of your sessions have ended.", highlight=False)
