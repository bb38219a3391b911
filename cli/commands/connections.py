"""`mailroom connections …`: talks to the REST API. Secrets come from a prompt or a file, never from an argument."""

from __future__ import annotations

import sys
from typing import Annotated, Any
from urllib.parse import quote

from cyclopts import App, Parameter
from rich.text import Text

from cli.commands.schedules.commands import parse_body, read_text
from cli.connection_settings import merged
from cli.output import out, print_json, print_table
from cli.rest_client import ApiProblem, MailroomClient
from embedded.display import printable
from mailroom.settings import current
from prefect_mailroom.errors import MailroomError

app = App(
    name="connections",
    help="Create, check, list, use, replace and delete the connections that reports go through and come from.",
    help_format="plaintext",
)
Json = Annotated[bool, Parameter(name="--json")]
Given = Annotated[list[str] | None, Parameter(name="--set", negative="")]
Secrets = Annotated[list[str] | None, Parameter(name="--secret", negative="")]
_LONGEST = 150
"""Seconds for a check and a test message together."""


@app.command(name="list")
def list_(*, as_json: Json = False) -> None:
    """List the connections, with their last check and the age of their secrets.

    Parameters
    ----------
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        found = client.pages("/connections", uses="true")
    if as_json:
        print_json(found)
        return
    rows = [
        (c["name"], c["kind"], c["used_by"], _checked(c), c["secret_changed_at"] or "-", c["description"])
        for c in found
    ]
    columns = ["name", "kind", "used by", "last check", "secret since", "description"]
    print_table(f"{len(rows)} connections", columns, rows)


@app.command
def kinds(kind: str = "", *, as_json: Json = False) -> None:
    """List the kinds of connections, or the settings of one.

    Parameters
    ----------
    kind
        Such as email.
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        found = client.pages("/connections/kinds")
        one = _kind(found, kind) if kind else None
    if as_json:
        print_json(one or found)
    elif one is None:
        rows = [(k["kind"], k["use"], k["description"]) for k in found]
        print_table(f"{len(rows)} kinds", ["kind", "use", "description"], rows)
    else:
        schema = one["settings"]
        needed = schema.get("required", [])
        rows = [
            (name, "yes" if name in needed else "", part.get("description", ""))
            for name, part in schema["properties"].items()
        ]
        print_table(f"The settings of {kind}", ["setting", "needed", "description"], rows)
        if secrets := schema.get("secret_fields"):
            out.print(f"Secrets, given by --secret: {', '.join(secrets)}", markup=False, highlight=False)


@app.command
def show(name: str) -> None:
    """Print one connection with its settings as JSON. A secret shows only as set."""
    with MailroomClient(current()) as client:
        print_json(client.call("GET", _path(name)))


@app.command
def uses(name: str, *, as_json: Json = False) -> None:
    """List the schedules and reports that use a connection.

    Parameters
    ----------
    as_json
        Print JSON.
    """
    with MailroomClient(current()) as client:
        found = client.call("GET", f"{_path(name)}/uses")
    if as_json:
        print_json(found)
        return
    rows = [("schedule", one["id"], one["name"], one["state"]) for one in found["schedules"]]
    rows += [("report", one["id"], one["name"], "") for one in found["reports"]]
    print_table(f"What uses {name}", ["what", "id", "name", "state"], rows)
    for what in ("schedules", "reports"):
        if more := found[f"more_{what}"]:
            out.print(f"and {more} more {what}", highlight=False)


@app.command
def create(
    name: str,
    *,
    kind: str,
    description: str = "",
    file: str = "",
    settings: Given = None,
    secrets: Secrets = None,
) -> None:
    """Create a connection. `mailroom connections test` without a name tries its settings before.

    Parameters
    ----------
    kind
        Such as email; `mailroom connections kinds` lists them.
    description
        What it is for.
    file
        A JSON or YAML file with the settings, or `-` for standard input.
    settings
        NAME=VALUE, one each time; dotted within another setting, such as credentials.smtp_port=587.
    secrets
        NAME=@FILE, or NAME to be asked for it; one each time.
    """
    with MailroomClient(current()) as client:
        values = _settings(client, kind, file, {}, settings, secrets)
        body = {"name": name, "kind": kind, "description": description, "settings": values}
        made = client.call("POST", "/connections", body)
    out.print(f"Created {made['name']}. Check it: mailroom connections test {made['name']}", highlight=False)


@app.command
def replace(
    name: str,
    *,
    description: str | None = None,
    file: str = "",
    settings: Given = None,
    secrets: Secrets = None,
) -> None:
    """Change a connection. What is not named stays as it is; with --file, the file has all settings.

    A stored secret stays, unless a setting changes that may decide where it is sent, such as a host.

    Parameters
    ----------
    description
        What it is for.
    file
        A JSON or YAML file with all settings, or `-`. A secret that is to stay is {"secret": true} in it.
    settings
        NAME=VALUE, one each time; dotted within another setting.
    secrets
        NAME=@FILE, or NAME to be asked for it; one each time.
    """
    with MailroomClient(current()) as client:
        found = client.call("GET", _path(name))
        values = _settings(client, found["kind"], file, found["settings"], settings, secrets)
        told = found["description"] if description is None else description
        client.call("PUT", _path(name), {"kind": found["kind"], "description": told, "settings": values})
    out.print(f"Changed {name}. Check it: mailroom connections test {name}", markup=False, highlight=False)


@app.command
def delete(name: str) -> None:
    """Delete a connection that no schedule or report uses."""
    with MailroomClient(current()) as client:
        client.call("DELETE", _path(name))
    out.print(f"Deleted {name}.", markup=False, highlight=False)


@app.command(name="test")
def send_test(
    name: str = "",
    *,
    send: bool = False,
    to: str = "",
    kind: str = "",
    file: str = "",
    settings: Given = None,
    secrets: Secrets = None,
    as_json: Json = False,
) -> None:
    """Check a connection step by step. Without a name, check settings that are not stored. Exit status 1 if it fails.

    Parameters
    ----------
    name
        The connection; leave it out to try settings.
    send
        Send a small message as well, marked as a test.
    to
        Whom the message goes to; the default is you. Means --send.
    kind
        The kind of settings that are not stored.
    file
        A JSON or YAML file with the settings, or `-`.
    settings
        NAME=VALUE, one each time.
    secrets
        NAME=@FILE, or NAME to be asked for it; one each time.
    as_json
        Print JSON.
    """
    with MailroomClient(current(), timeout=_LONGEST) as client:
        if not name and not kind:
            raise MailroomError("Name a connection, or give --kind and its settings.")
        if name and (kind or file or settings or secrets):
            remedy = "Leave the name out to try settings, or change the connection by `mailroom connections replace`."
            raise MailroomError("A stored connection is tested with its own settings.", remedy=remedy)
        body: dict[str, Any] = {"connection": name}
        if not name:
            body = {"settings": _settings(client, kind, file, {}, settings, secrets)}
        try:
            if send or to:
                channel = kind or client.call("GET", _path(name))["kind"]
                body |= {"to": to} if to else {}
                found = client.call("POST", f"/distribution/test/{quote(channel, safe='')}", body)
            elif name:
                found = client.call("POST", f"{_path(name)}/check")
            else:
                found = client.call("POST", "/connections/check", {"kind": kind, **body})
        except ApiProblem as problem:
            if not problem.problem.get("steps"):
                raise
            found = {**problem.problem, "ok": False}
    if as_json:
        print_json(found)
    else:
        _print_steps(found)
    sys.exit(0 if found["ok"] else 1)


def _print_steps(found: dict[str, Any]) -> None:
    """Print each step with a sign and a word, what it found, and what to do about one that failed."""
    for step in found["steps"]:
        sign, style = ("✓ ok    ", "green") if step["ok"] else ("✗ failed", "bold red")
        line = Text(sign, style=style).append(f"  {step['name']:<10} {step['seconds']:6.2f} s  ", style="default")
        out.print(line.append(printable(step["message"])), soft_wrap=True)
        if step["remedy"]:
            out.print(Text(f"{'':30}{printable(step['remedy'])}"), soft_wrap=True)
    if not found["ok"]:
        end = f"It does not work: {found['detail']}"
    elif "reference" in found:
        end = f"Delivered to {found['recipient']}: {found['reference']} ({found['grade']})."
    else:
        end = f"It works: {found['message']}"
    out.print(Text(printable(end)), soft_wrap=True)


def _settings(
    client: MailroomClient,
    kind: str,
    file: str,
    stored: dict[str, Any],
    given: list[str] | None,
    secrets: list[str] | None,
) -> dict[str, Any]:
    schema = _kind(client.pages("/connections/kinds"), kind)["settings"]
    base = parse_body(read_text(file), file, "the settings of a connection") if file else stored
    return merged(base, schema, given=given or [], secrets=secrets or [])


def _kind(found: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    known = {one["kind"]: one for one in found}
    if kind not in known:
        raise MailroomError(f"'{printable(kind[:40])}' is not a kind.", remedy=f"The kinds are: {', '.join(known)}.")
    return known[kind]


def _checked(row: dict[str, Any]) -> str:
    if row["last_check_at"] is None:
        return "never"
    return f"{'✓ ok' if row['last_check_ok'] else '✗ failed'} {row['last_check_at']}"


def _path(name: str) -> str:
    return f"/connections/{quote(name, safe='')}"
