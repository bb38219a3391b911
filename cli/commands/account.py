"""`mailroom account`."""

from __future__ import annotations

import sys
from typing import Annotated

import httpx
from cyclopts import Parameter

from cli.output import out, print_json, print_table
from cli.rest_client import MailroomClient
from mailroom.settings import current


def account(*, since: str = "", until: str = "", as_json: Annotated[bool, Parameter(name="--json")] = False) -> None:
    """Check that every due time is accounted for. The exit status is 1 if one is not.

    Parameters
    ----------
    since
        An instant with its offset, such as 2026-11-01T00:00Z; default: a day before `until`.
    until
        An instant; default: 2 minutes ago. At most 31 days.
    as_json
        Print JSON.
    """
    asked = httpx.QueryParams({key: value for key, value in (("since", since), ("until", until)) if value})
    with MailroomClient(current(), timeout=120) as client:
        found = client.call("GET", f"/stats?{asked}")
    if as_json:
        print_json(found)
    else:
        title = f"{found['due']} due, {found['accounted']} accounted for, {found['unaccounted']} not"
        print_table(title, ["state", "due times"], sorted((k, str(v)) for k, v in found["by_state"].items()))
        out.print(f"{found['since']} to {found['until']}", highlight=False)
        for one in found["missing"]:
            out.print(
                f"missing from the ledger: {one['due_at']} of {one['schedule_name']}", markup=False, highlight=False
            )
    sys.exit(1 if found["unaccounted"] else 0)
