"""`mailroom limits`."""

from __future__ import annotations

from typing import Annotated

import httpx
from cyclopts import Parameter

from cli.output import out, print_json, print_table
from cli.rest_client import MailroomClient
from mailroom.settings import current


def limits(*, user: str = "", as_json: Annotated[bool, Parameter(name="--json")] = False) -> None:
    """Show the limits of a user, how much of them is used, and which schedules are above one that was lowered.

    Parameters
    ----------
    user
        Whose: the id, or `ext:` and the external id. The default is the user of the key that asks.
    as_json
        Print JSON.
    """
    query = f"?{httpx.QueryParams({'user': user})}" if user else ""
    with MailroomClient(current()) as client:
        found = client.call("GET", f"/limits{query}")
    if as_json:
        print_json(found)
        return
    rows = [(one["name"], one["limit"], "" if one["used"] is None else one["used"]) for one in found["limits"]]
    print_table(f"Limits of {found['user']} ({found['role']})", ["limit", "allowed", "used"], rows)
    above = [(one["name"], it["name"], it["limit"], it["used"]) for one in found["above"] for it in one["limits"]]
    if above:
        print_table("Above a limit, and running on", ["schedule", "limit", "allowed", "used"], above)
    if not found["above_complete"]:
        out.print("Only the oldest schedules of the user were looked at.", markup=False, highlight=False)
    out.print(f"For more, ask {found['ask']}.", markup=False, highlight=False)
