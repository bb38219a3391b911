"""`mailroom init`."""

from __future__ import annotations

import asyncio
import os
import sys

from cli.output import out
from embedded import bootstrap, prefect_settings
from embedded.data_dir import prepare
from embedded.display import printable
from mailroom.safety import unsafe
from mailroom.safety.unsafe import Program
from mailroom.settings import Settings, current
from prefect_mailroom.errors import ConfigurationError

_CONNECTIONS_SECONDS = 15.0
"""For so long the check of our connections waits for their servers, where Prefect is waited for as well."""


def init(*, wait: float = 0, tables: bool = False, adopt_artifacts: bool = False) -> None:
    """Create or repair the set-up: folder, key, tables, sample data, catalog, work pool, block types, connections.

    Whatever exists already stays as it is. `mailroom up` does all of this by itself.

    Parameters
    ----------
    wait
        Seconds to wait for Prefect.
    tables
        Do only what needs no Prefect: folder, key, tables, sample data and catalog.
    adopt_artifacts
        Make the folder of the artifacts the store of rendered files, whatever was the store before.
    """
    settings = current()
    prefect_settings.read_login()
    unsafe.refuse(settings, os.environ, Program.INIT)
    prepare(settings)
    bootstrap.use_our_prefect(settings)
    sys.exit(asyncio.run(_init(settings, wait, tables=tables, adopt_artifacts=adopt_artifacts)))


def say(line: str) -> None:
    """Print one line about a step."""
    out.print(printable(line), markup=False, highlight=False, soft_wrap=True)


async def _init(settings: Settings, wait: float, *, tables: bool, adopt_artifacts: bool) -> int:
    found = await bootstrap.local_part(settings, say, adopt_artifacts=adopt_artifacts)
    if tables:
        say("the rest needs Prefect: run `mailroom init` when it answers")
    elif await bootstrap.wait_for_prefect(settings, wait):
        await bootstrap.prefect_part(settings, say, wait=min(wait, _CONNECTIONS_SECONDS))
    elif wait or settings.mode == "production":
        raise ConfigurationError(
            (
                f"Prefect does not answer at {settings.prefect_api}; the work pool, block types and "
                "connections were not created."
            ),
            remedy="Start it and run `mailroom init` again.",
            field="MAILROOM_PREFECT_API_URL",
        )
    else:
        say(f"Prefect does not run at {settings.prefect_api}; `mailroom up` starts it and creates the rest.")
    if settings.mode == "embedded" and not settings.api_key.get_secret_value():
        say(f"the API key is in {settings.data_dir / 'api-key'}")
    # A report that was kept as it was is told above and is no reason not to start: its schedules go on.
    return 1 if found.errors else 0
