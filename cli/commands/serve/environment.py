"""The environment that the processes of a production system inherit. Pure: environments are passed in and returned."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from embedded import prefect_settings
from mailroom.settings import Settings, with_async_driver
from prefect_mailroom.errors import ConfigurationError

KEY = "PREFECT_SERVER_ENCRYPTION_KEY"
DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
_FORMER_DATABASE = "PREFECT_API_DATABASE_CONNECTION_URL"
SECRETS_OF_PREFECT = (
    KEY,
    DATABASE,
    "PREFECT_SERVER_API_AUTH_STRING",
    "PREFECT_SERVER_DOCKET_URL",
    "PREFECT_REDIS_MESSAGING_PASSWORD",
    "PREFECT_REDIS_MESSAGING_URL",
)
"""Variables of Prefect's server that hold secrets. Each may also be read from the file that `<NAME>_FILE` names."""
_REDIS = "PREFECT_REDIS_MESSAGING_URL"
_SEVERAL = {
    # Several servers that start at once would migrate at once, so `mailroom prefect upgrade` does it before.
    "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
}

_THROUGH_REDIS = {
    # What several Prefect servers share. Without the docket's URL each would schedule on its own.
    "PREFECT_SERVER_EVENTS_MESSAGING_BROKER": "prefect_redis.messaging",
    "PREFECT_SERVER_EVENTS_MESSAGING_CACHE": "prefect_redis.messaging",
    "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect_redis.lease_storage",
    "PREFECT_SERVER_WORKER_CHANNEL_CLEANUP_QUEUE_STORAGE": "prefect_redis.cleanup_queue",
}
"""What is chosen where PREFECT_REDIS_MESSAGING_URL names a Redis."""
_URLS_OF_REDIS = ("PREFECT_SERVER_DOCKET_URL", "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL")
"""What else has an address of its own, which is the same one unless it is set."""


def check_mode(settings: Settings, command: str) -> None:
    """Refuse to run one process alone where the settings do not ask for production.

    Raises:
        ConfigurationError: in embedded mode.
    """
    if settings.mode != "production":
        raise ConfigurationError(
            f"`mailroom {command}` runs one process of a production system, but MAILROOM_MODE is embedded.",
            remedy="Set MAILROOM_MODE=production and the settings it needs, or run everything with `mailroom up`.",
            field="MAILROOM_MODE",
        )


def of_mailroom(settings: Settings, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process of ours: what is set by the operator stands before what we would choose."""
    ours = prefect_settings.client_environment(settings)
    return {**ours, **inherited, "PREFECT_API_URL": settings.prefect_api, "PYTHONUNBUFFERED": "1"}


def of_worker(settings: Settings, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a worker."""
    return {**prefect_settings.WORKER, **of_mailroom(settings, inherited)}


def of_pages(port: int, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return where a Prefect server lays out its pages: beside its data, since its program's folder is read-only."""
    home = inherited.get("PREFECT_HOME", "")
    return {"PREFECT_SERVER_UI_STATIC_DIRECTORY": f"{home}/ui-{port}"} if home else {}


def of_prefect(days: int, inherited: Mapping[str, str], read: Callable[[str], str | None]) -> dict[str, str]:
    """Return the environment of a Prefect server, or of its background services.

    Args:
        days: how long Prefect keeps what has happened.
        read: returns the secret that a variable names by a file or by reference, None where it names none.

    Returns:
        It has the secrets themselves in place of the files that hold them. `mailroom.safety` says whether it is safe.
    """
    found = {name: value for name in SECRETS_OF_PREFECT if (value := read(name)) is not None}
    kept = {"PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(days * 86_400)}
    chosen = {**prefect_settings.CLIENT, **prefect_settings.SERVER, **kept, **_SEVERAL}
    if redis := found.get(_REDIS) or inherited.get(_REDIS):
        chosen |= _THROUGH_REDIS | dict.fromkeys(_URLS_OF_REDIS, redis)
    # The key came from its file already; Prefect itself knows no such variables.
    files = {f"{name}_FILE" for name in found}
    whole = {name: value for name, value in {**chosen, **inherited, **found}.items() if name not in files}
    url = whole.get(DATABASE) or whole.get(_FORMER_DATABASE, "")
    return {**whole, DATABASE: with_async_driver(url) if url else "", "PYTHONUNBUFFERED": "1"}
