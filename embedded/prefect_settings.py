"""The settings of the embedded Prefect, each with its reason. A test checks the names against Prefect."""

from __future__ import annotations

import os
from collections.abc import Mapping

from mailroom.setting_groups import secrets_elsewhere
from mailroom.settings import Settings

_LOGIN = "PREFECT_API_AUTH_STRING"

# For every process that talks to Prefect.
CLIENT = {
    # One machine, one version, a private address: three calls fewer at each start.
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
    "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
    # A missing server must be an error, not a second server with a database of its own.
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    # Plain lines: they go to files.
    "PREFECT_LOGGING_COLORS": "false",
    "PREFECT_CLI_COLORS": "false",
    # Nothing leaves this machine that no schedule asked for.
    "DO_NOT_TRACK": "1",
    # Prefect lists all time zones for each cron that it reads or answers with. From the system's folders that takes
    # 4 ms, from the package tzdata 0.3 ms: to read a deployment costs the server 0.8 ms of CPU instead of 10.
    "PYTHONTZPATH": "",
}

SERVER = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_ENABLED": "true",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # To remember whether it has registered the blocks of collections, the server would import every collection that is
    # installed. Looking each time takes no longer, and saves 1.4 s of CPU at the start and 30 to 150 MB of memory.
    "PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false",
    # On SQLite, marking runs late after the default 15 s storms the write lock in a busy minute.
    "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "300",
    # Events and task runs are stored in batches: half the CPU a run.
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    # The default of one asks Redis for each event alone.
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "100",
    # As many connections as the default of 5 and 10 more, but all are kept: those beyond the first number are closed
    # after each use, and to open one costs Postgres and the server more than most of what is asked through it.
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE": "15",
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_MAX_OVERFLOW": "0",
    # One run ahead, and 15 minutes of them, is enough; 400 days let yearly schedules reach it, which would
    # otherwise be worked on again in each loop.
    "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_RUNS": "1",
    "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "PT15M",
    "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_SCHEDULED_TIME": "P400D",
    # A schedule that was just saved reaches its runs within 2 s instead of 5; one look at SQLite costs little.
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "2",
    # Off by default, so the database would grow for ever. Our own tables keep the history.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P14D",
}

WORKER = {
    # A run that is asked for now should not wait the default 10 s for the next poll.
    "PREFECT_WORKER_QUERY_SECONDS": "4",
    # A worker that died is told after three of these; with the default 30 s that would take a minute and a half.
    "PREFECT_WORKER_HEARTBEAT_SECONDS": "10",
    # Prefect's client asks again after 429, 502 and 503 by itself. A 500 would end the run in the middle of what it
    # does, and the rescue would find it only after minutes.
    "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500",
    # Each thread of glibc's would otherwise keep an arena of memory to itself, and what a mail took would stay taken
    # after it was sent: 4 MB less for each child.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}


def read_login() -> None:
    """Let the login of Prefect's API come from the file that PREFECT_API_AUTH_STRING_FILE names, or from a reference.

    Raises:
        ConfigurationError: it cannot be read.
    """
    if (login := secrets_elsewhere.read(_LOGIN)) is not None:
        os.environ[_LOGIN] = login
        # Whoever inherits this environment has the login itself, and to have it both ways is refused.
        os.environ.pop(f"{_LOGIN}_FILE", None)


def base_environment(inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment without Prefect settings made for another server, its logging excepted."""
    source = os.environ if inherited is None else inherited
    return {k: v for k, v in source.items() if not k.startswith("PREFECT_") or k.startswith("PREFECT_LOGGING_")}


def client_environment(settings: Settings) -> dict[str, str]:
    """Return what a process needs to reach our Prefect."""
    home = settings.data_dir / "prefect"
    return CLIENT | {"PREFECT_API_URL": settings.prefect_api, "PREFECT_HOME": str(home)}


def server_environment(settings: Settings, encryption_key: str) -> dict[str, str]:
    """Return what the embedded server needs; its SQLite file lies in PREFECT_HOME, unless a database is named."""
    own = {
        "PREFECT_SERVER_ENCRYPTION_KEY": encryption_key,
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(settings.prefect_days * 86_400),
    }
    if settings.prefect_database_url:
        own["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = settings.prefect_database_url
    return client_environment(settings) | SERVER | own
