"""`mailroom keys …`: make, list, change and revoke the keys of users, over the REST API."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated, Any

from cyclopts import App, Parameter
from pydantic import SecretStr

from cli.output import out, print_json, print_table
from cli.rest_client import MailroomClient
from embedded.display import printable
from mailroom.errors import NotFound
from mailroom.settings import current

app = App(name="keys", help="Make, list, change and revoke keys of users.", help_format="plaintext")
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
def change(
    key_id: str, *, name: str = "", scope: str = "", expires_at: datetime | None = None, as_json: Json = False
) -> None:
    """Rename a key, narrow its scope, or give it another end. What is left out stays as it is.

    Parameters
    ----------
    key_id
        The id, as `mailroom keys list` shows it.
    name
        What it is for.
    scope
        read, write or admin; never more than the key has.
    expires_at
        When it ends, such as 2027-01-31T12:00:00; without an offset, in UTC.
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        found = next((key for key in client.pages("/keys") if key["id"] == key_id), None)
        if found is None:
            raise NotFound(f"There is no key {printable(key_id[:60])}.", remedy="`mailroom keys list` shows them.")
        end = expires_at if expires_at is None or expires_at.tzinfo else expires_at.replace(tzinfo=UTC)
        body = {
            "name": name or found["name"],
            "scope": scope or found["scope"],
            "expires_at": end.isoformat() if end else found["expires_at"],
        }
        made = client.call("PUT", f"/keys/{_safe(key_id)}", body, headers={"If-Match": found["etag"]})
    if as_json:
        print_json(made)
        return
    out.print(f"{key_id} has the scope {made['scope']}, {_until(made)}.", markup=False, highlight=False)


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


@app.command
def identity() -> None:
    """Print the public key with which an HTTP source checks for whom a report is made."""
    from embedded import data_dir
    from mailroom.access.identity import public_key

    settings = current()
    if settings.mode == "embedded":
        data_dir.prepare(settings)
    key = settings.identity_key if settings.mode == "production" else SecretStr(data_dir.identity_key(settings))
    sys.stdout.write(public_key(key))


def _until(key: dict[str, Any]) -> str:
    if key["revoked_at"]:
        return "revoked"
    return f"until {key['expires_at']}" if key["expires_at"] else "without end"


def _safe(key_id: str) -> str:
    from urllib.parse import quote

    return quote(key_id, safe="")
