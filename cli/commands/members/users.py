"""`mailroom users …`: list users, make one-time links for them, and change one's own password, over the REST API."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from cyclopts import App, Parameter

from cli.output import out, print_json, print_table
from cli.rest_client import MailroomClient
from mailroom.settings import current
from prefect_mailroom.errors import MailroomError

app = App(name="users", help="List users, and make one-time links for them.", help_format="plaintext")
Json = Annotated[bool, Parameter(name="--json")]


@app.command(name="list")
def list_(*, team: str = "", as_json: Json = False) -> None:
    """List users by their addresses.

    Parameters
    ----------
    team
        Only members of this team: the id, or `ext:` and the external id.
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        found = client.pages("/users", **({"team": team} if team else {}))
    if as_json:
        print_json(found)
        return
    rows = [(u["email"], u["name"], u["role"], u["external_id"] or "", _state(u), u["id"]) for u in found]
    print_table(f"{len(rows)} users", ["e-mail", "name", "role", "external id", "state", "id"], rows)


@app.command
def link(name: str, *, reset: bool = False, as_json: Json = False) -> None:
    """Make a one-time link with which a user logs in, and print it. It makes the earlier ones useless.

    Parameters
    ----------
    name
        The e-mail address, the id, or `ext:` and the external id.
    reset
        Let the user set a new password with it.
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        made = make_link(client, name, "reset" if reset else "login")
    if as_json:
        print_json(made)
        return
    # The link alone on standard output, so that it can be piped.
    sys.stdout.write(f"{made['link']}\n")
    sys.stderr.write(f"It works once, until {made['expires_at']}.\n")


@app.command
def password(name: str) -> None:
    """Change your own password; you are asked for the current and the new one. For others use `users link --reset`.

    Parameters
    ----------
    name
        Your e-mail address, your id, or `ext:` and your external id.
    """
    from getpass import getpass

    before, new = getpass("Current password: "), getpass("New password: ")
    with MailroomClient(current()) as client:
        path = f"/users/{_safe(reference_of(client, name))}/password"
        client.call("PUT", path, {"current": before, "new": new})
    out.print("The password is changed. Your sessions have ended.", highlight=False)


def make_link(client: MailroomClient, name: str, purpose: str = "login") -> dict[str, Any]:
    """Make a one-time link for the user with this address, id or external id; return the answer of the API.

    Raises:
        MailroomError: there is no such user, or the API refused.
    """
    path = f"/users/{_safe(reference_of(client, name))}/links"
    made: dict[str, Any] = client.call("POST", path, {"purpose": purpose})
    return made


def reference_of(client: MailroomClient, name: str) -> str:
    """Return how the API knows the user: by id or external id, which an address is looked up for.

    Raises:
        MailroomError: nobody has this address.
    """
    if "@" not in name or name.startswith("ext:"):
        return name
    for user in client.pages("/users"):
        if user["email"] == name:
            return str(user["id"])
    raise MailroomError(f"There is no user with the address {name}.", remedy="`mailroom users list` shows them.")


def _state(user: dict[str, Any]) -> str:
    return "active" if user["is_active"] else "disabled"


def _safe(reference: str) -> str:
    from urllib.parse import quote

    return quote(reference, safe=":")
