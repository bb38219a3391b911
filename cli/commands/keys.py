"""`mailroom keys …`: make, list and revoke the keys of users, over the REST API."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from cyclopts import App, Parameter

from cli.output import out, print_json, print_table
from cli.rest_client import MailroomClient
from mailroom.settings import current

app = App(name="keys", help="Make, list and revoke keys of users.", help_format="plaintext")
app.command("cli.operator.rotate:rotate", name="rotate")
Json = Annotated[bool, Parameter(name="--json")]


@app.command(name="list")
def list_(*, user: str = "", as_json: Json = False) -> None:
    """List keys, newest first. A key itself is never shown again.

    Parameters
    ----------
    user
        Only keys of this user: the id, or `ext:` and the external id.
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        found = client.pages("/keys", **({"user": user} if user else {}))
    if as_json:
        print_json(found)
        return
    rows = [(k["id"], k["name"], k["prefix"], k["scope"], _until(k), k["last_used_at"] or "never") for k in found]
    print_table(f"{len(rows)} keys", ["id", "name", "begins with", "scope", "valid until", "last used"], rows)


@app.command
def create(name: str, *, scope: str = "read", days: int = 90, user: str = "", as_json: Json = False) -> None:
    """Make a key and print it, for the only time.

    Parameters
    ----------
    name
        What it is for.
    scope
        read, write or admin; never more than the role of its owner allows.
    days
        For how many days it is valid.
    user
        Whose key it is: the id, or `ext:` and the external id. The default is the user of the key that asks.
    as_json
        Print JSON.
    """
    body = {"name": name, "scope": scope, "expires_in_days": days, **({"user": user} if user else {})}
    with MailroomClient(current()) as client:
        made = client.call("POST", "/keys", body)
    if as_json:
        print_json(made)
        return
    # The key alone on standard output, so that it can be piped into a file or a secret store.
    sys.stdout.write(f"{made['key']}\n")
    sys.stderr.write(f"Keep it: it cannot be shown again. It has the scope {made['scope']}, {_until(made)}.\n")


@app.command
def revoke(key_id: str) -> None:
    """Revoke a key; the next request with it is refused.

    Parameters
    ----------
    key_id
        The id, as `mailroom keys list` shows it.
    """
    with MailroomClient(current()) as client:
        client.call("DELETE", f"/keys/{_safe(key_id)}")
    out.print(f"{key_id} is revoked.", markup=False, highlight=False)


def _until(key: dict[str, Any]) -> str:
    if key["revoked_at"]:
        return "revoked"
    return f"until {key['expires_at']}" if key["expires_at"] else "without end"


def _safe(key_id: str) -> str:
    from urllib.parse import quote

    return quote(key_id, safe="")
