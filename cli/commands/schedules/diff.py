"""`mailroom schedules diff`: what the reconciler would do to Prefect. It changes nothing."""

from __future__ import annotations

import asyncio
import math
import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.database import our_database
from cli.output import out, print_error, print_json, print_table
from mailroom.errors import Unavailable
from mailroom.settings import Settings, current
from prefect_mailroom.errors import MailroomError

if TYPE_CHECKING:
    from deployments.sync.drift_finder import Drift


def diff(*, as_json: Annotated[bool, Parameter(name="--json")] = False) -> None:
    """Compare every schedule with its deployment in Prefect; change nothing.

    Exit status: 0 if nothing differs, 1 if there are differences, 2 if Prefect or the database cannot be reached.

    Parameters
    ----------
    as_json
        Print JSON.
    """
    try:
        found = asyncio.run(_look(current()))
    except MailroomError as error:
        print_error(error)
        sys.exit(2)
    rows = differences(found)
    if as_json:
        print_json(rows)
    elif rows:
        shown = [(row["schedule_id"], row["name"], row["what"], _changes(row), _who(row)) for row in rows]
        print_table(f"{len(rows)} differences", ["schedule", "name", "action", "changes", "because"], shown)
    else:
        out.print(f"Nothing differs: Prefect matches all {found.ours} schedules.", highlight=False)
    sys.exit(1 if rows else 0)


async def _look(settings: Settings) -> Drift:
    """Return everything that differs.

    Raises:
        Unavailable: Prefect does not answer, or not well.
        MailroomError: our tables cannot be read.
    """
    import httpx
    from prefect.client.orchestration import PrefectClient
    from prefect.settings import PREFECT_API_AUTH_STRING

    from deployments.sync.drift_finder import DriftFinder

    database = await our_database(settings)
    try:
        async with PrefectClient(
            settings.prefect_api, auth_string=PREFECT_API_AUTH_STRING.value(), httpx_settings={"timeout": 30}
        ) as client:
            return await DriftFinder(database, settings).find(client, seconds=math.inf)
    except (httpx.HTTPError, OSError) as error:
        message = f"Prefect does not answer well at {settings.prefect_api} ({type(error).__name__})."
        raise Unavailable(message, remedy="Start it, or set MAILROOM_PREFECT_API_URL to where it runs.") from error
    finally:
        await database.close()


def differences(found: Drift) -> list[dict[str, Any]]:
    """Return what is found as JSON-ready rows: schedule_id, name, what, changes (field: [there, wanted]), by_hand."""
    from deployments.sync.diff import Create, Delete, Update
    from deployments.sync.schedule_syncer import detail_of

    words = {Create: "create", Update: "update", Delete: "delete"}
    rows = []
    for schedule, verdict in found.verdicts.values():
        action = verdict.action
        what = f"{verdict.wish} here, as somebody did in Prefect" if verdict.wish else ""
        what = what or (words[type(action)] if action else f"none; Prefect refused it: {schedule.sync_error}")
        rows.append(
            {
                "schedule_id": schedule.id,
                "name": schedule.name,
                "what": what,
                "changes": detail_of(action) if action else {},
                "by_hand": verdict.by_hand or verdict.wish is not None,
            }
        )
    for odd in found.strays.values():
        changes = {"deployment": [odd.observed.name, None]}
        what = f"remove: {odd.reason}"
        rows.append(
            {
                "schedule_id": odd.schedule_id,
                "name": odd.observed.name,
                "what": what,
                "changes": changes,
                "by_hand": True,
            }
        )
    return rows


def _changes(row: dict[str, Any]) -> str:
    return "; ".join(f"{field}: {there} -> {wanted}" for field, (there, wanted) in row["changes"].items())


def _who(row: dict[str, Any]) -> str:
    return "changed in Prefect by hand" if row["by_hand"] else "not written yet"
