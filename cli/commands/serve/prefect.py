"""`mailroom prefect server|services|upgrade`: Prefect with the settings that Mailroom needs, each in one process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NoReturn

from cyclopts import App
from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from cli.commands.serve import environment
from cli.commands.serve.processes import become
from mailroom.safety import unsafe
from mailroom.setting_groups import secrets_elsewhere
from mailroom.setting_groups.retention import RetentionSettings
from prefect_mailroom.errors import ConfigurationError


class _Kept(RetentionSettings):
    """The one group of our settings that a Prefect server needs: it knows none of Mailroom's secrets."""

    model_config = SettingsConfigDict(env_prefix="MAILROOM_", extra="ignore")


app = App(name="prefect", help="Run Prefect's API server or its background services, or migrate its database.")


@app.command
def server(*, host: str = "127.0.0.1", port: int = 4200, with_services: bool = False) -> NoReturn:
    """Run one Prefect API server until SIGTERM, with Mailroom's settings for it, on Postgres.

    Parameters
    ----------
    host
        The address to listen on. Whoever reaches it can read every secret: keep it private.
    port
        The port.
    with_services
        Run the background services in this process as well, where this is the only server.
    """
    apart = [] if with_services else ["--no-services"]
    pages = environment.of_pages(port, os.environ)
    _become("server", "start", *apart, "--host", host, "--port", str(port), chosen=pages, listens=host)


@app.command
def services() -> NoReturn:
    """Run Prefect's background services until SIGTERM: its scheduler, and what stores events and cleans up."""
    _become("server", "services", "start")


@app.command
def upgrade() -> NoReturn:
    """Make or migrate the tables of Prefect's database. Run it before the servers of a new version start."""
    _become("server", "database", "upgrade", "--yes")


def _become(*command: str, chosen: Mapping[str, str] | None = None, listens: str | None = None) -> NoReturn:
    try:
        days = _Kept().prefect_days
    except ValidationError as error:
        message = f"A setting of retention is wrong: {error.errors(include_input=False)[0]['msg']}."
        raise ConfigurationError(
            message, remedy="Correct it and start again.", field="MAILROOM_PREFECT_DAYS"
        ) from error
    variables = environment.of_prefect(days, {**(chosen or {}), **os.environ}, secrets_elsewhere.read)
    unsafe.refuse_all(unsafe.of_prefect(variables, listens=listens))
    become(["-m", "mailroom.quick_start", "embedded.prefect_server", *command], variables)
