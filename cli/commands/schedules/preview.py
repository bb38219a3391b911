"""`mailroom schedules preview`: what the next delivery of a schedule file would say, and where its files would go."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from cyclopts import Parameter

from cli.commands.schedules.commands import parse_body, read_text
from cli.output import out, print_json
from cli.rest_client import MailroomClient
from mailroom.settings import current

_KNOWN = ("report_id", "name", "timing", "parameters", "formats")


def preview(file: str, *, as_json: Annotated[bool, Parameter(name="--json")] = False) -> None:
    """Show the subject, text and paths of each destination of a schedule, as its next delivery would have them.

    Nothing is stored or sent. Exit status: 0 if all is well, 1 if something is wrong with a destination.

    Parameters
    ----------
    file
        The schedule as a JSON or YAML file, or `-` for standard input.
    as_json
        Print JSON.
    """
    body = parse_body(read_text(file), file)
    known = {name: body[name] for name in _KNOWN if name in body}
    with MailroomClient(current()) as client:
        previews = [
            client.call("POST", "/distribution/preview", {**known, "destination": target})
            for target in body.get("destinations", [])
        ]
    if as_json:
        print_json(previews)
    else:
        for number, shown in enumerate(previews):
            out.print("\n".join(lines_of(number, shown)), markup=False, highlight=False)
    if any(shown["faults"] for shown in previews):
        sys.exit(1)


def lines_of(number: int, shown: dict[str, Any]) -> list[str]:
    """Return one destination's preview as lines. Pure."""
    lines = [f"destinations.{number}, due {shown['due_local']}"]
    lines += [f"  {name}: {line}" for name, text in shown["texts"].items() for line in text.splitlines()]
    for each in shown["files"]:
        lines += [f"  {each['filename']}, {name}: {text}" for name, text in each["texts"].items()]
    return lines + [f"  Wrong: {one['field']}: {one['message']} {one['remedy']}".rstrip() for one in shown["faults"]]
