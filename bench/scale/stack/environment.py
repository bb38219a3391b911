"""The settings of several of everything: Postgres, Redis, Prefect servers, services, API processes, workers.

The one place where the bench and the tests have them. Every value here is what an operator sets; nothing is patched.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.peak.stack import inherited
from bench.scale.stack.hosts import LOOPBACK
from embedded import environment_file, prefect_settings
from embedded.data_dir import fresh_block_key

SOCKET = "r.sock"
"""The name of the renderers' socket in a host's folder; short, since a socket's path may have 104 bytes."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of production, the same in every process that is given them."""

    api_key: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    key_pepper: str = field(default_factory=lambda: secrets.token_hex(32))
    identity_key: str = field(default_factory=lambda: secrets.token_hex(32))
    link_key: str = field(default_factory=lambda: secrets.token_hex(32))
    audit_key: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(32)).decode())
    block_key: str = field(default_factory=fresh_block_key)
    prefect_password: str = field(default_factory=lambda: secrets.token_urlsafe(32))


@dataclass(frozen=True, slots=True)
class Places:
    """The addresses and folders of everything.

    Attributes:
        shared: the folder of artifacts that all hosts share, such as one on a network share.
        middle: the address of the host that has the two, the addresses before the servers, and the mail server.
        postgres, redis: the ports of the two.
        prefect, api: the ports of the addresses before the Prefect servers and before the API processes.
    """

    shared: Path
    middle: str
    postgres: int
    redis: int
    prefect: int
    api: int
    secrets: Secrets = field(default_factory=Secrets)

    def database(self, name: str, scheme: str = "postgresql") -> str:
        """Return the URL of one of the databases."""
        return f"{scheme}://postgres@{self.middle}:{self.postgres}/{name}"

    def redis_url(self, number: int) -> str:
        """Return the URL of one of the numbered databases of Redis."""
        return f"redis://{self.middle}:{self.redis}/{number}"

    @property
    def prefect_api(self) -> str:
        """Return the address that every client of Prefect is given."""
        return f"http://{self.middle}:{self.prefect}/api"

    @property
    def prefect_login(self) -> tuple[str, str] | None:
        """Return the user and the password that Prefect's API asks for; none where only this machine reaches it.

        Versions before today's do not log in.
        """
        return None if self.middle == LOOPBACK else ("mailroom", self.secrets.prefect_password)

    def login(self, variable: str) -> dict[str, str]:
        """Return the environment that has the user and the password in a variable."""
        return {} if self.prefect_login is None else {variable: ":".join(self.prefect_login)}


def of_prefect(places: Places, home: Path) -> dict[str, str]:
    """Return the environment of a Prefect server or of its background services, as the documentation has it."""
    values = {
        "PREFECT_DATABASE_URL": places.database("prefect", "postgresql+asyncpg"),
        "PREFECT_ENCRYPTION_KEY": places.secrets.block_key,
        "REDIS_HOST": places.middle,
        "REDIS_PORT": str(places.redis),
    }
    base = {**_base(home, places), **places.login("PREFECT_SERVER_API_AUTH_STRING")}
    return {**base, **environment_file.read(environment_file.PREFECT_SERVERS, values)}


def of_api(places: Places, home: Path, host: Path) -> dict[str, str]:
    """Return the environment of an API process, and of `mailroom init`; `host` is the data folder of its host."""
    return {
        **_of_mailroom(places, home, host),
        "MAILROOM_API_KEY": places.secrets.api_key,
        "MAILROOM_KEY_PEPPER": places.secrets.key_pepper,
        "MAILROOM_AUDIT_KEY": places.secrets.audit_key,
        "PREFECT_SERVER_ENCRYPTION_KEY": places.secrets.block_key,
        "MAILROOM_RATE_LIMIT_STORAGE": places.redis_url(2),
        # For schedules that are due every minute, in tests of restarts.
        "MAILROOM_MINIMUM_INTERVAL_SECONDS": "60",
        "MAILROOM_RATE_LIMIT_USER": "unlimited",
        "MAILROOM_RATE_LIMIT_KEY": "unlimited",
        "MAILROOM_RATE_LIMIT_ADDRESS": "unlimited",
        "MAILROOM_TRUSTED_PROXIES": f"{places.middle}/32",
    }


def of_worker(places: Places, home: Path, host: Path) -> dict[str, str]:
    """Return the environment of a warm worker."""
    return {**_of_mailroom(places, home, host), **prefect_settings.WORKER}


def of_renderers(places: Places, home: Path, host: Path, processes: int = 1) -> dict[str, str]:
    """Return the environment of the renderer service of one host."""
    return {**_of_mailroom(places, home, host), "MAILROOM_RENDERERS": str(processes)}


def _of_mailroom(places: Places, home: Path, host: Path) -> dict[str, str]:
    return {
        **_base(home, places),
        "MAILROOM_MODE": "production",
        "MAILROOM_DATABASE_URL": places.database("mailroom"),
        # Of one host: renderers empty their working folder in it when they start.
        "MAILROOM_DATA_DIR": str(host),
        "MAILROOM_HOST_NAME": host.name,
        "MAILROOM_RENDERERS_SOCKET": str(host / SOCKET),
        # Of all hosts, by a mount at the same place on each.
        "MAILROOM_ARTIFACTS_FOLDER": str(host / "artifacts"),
        "MAILROOM_PREFECT_API_URL": places.prefect_api,
        "MAILROOM_OWNER_EMAIL": "owner@mailroom.test",
        # Only links have it, and nobody follows them here.
        "MAILROOM_PUBLIC_ADDRESS": f"http://{LOOPBACK}:{places.api}",
        # The mail server is there.
        "MAILROOM_OUTBOUND_ALLOW": places.middle,
        # Named here, since only Prefect's own processes have the settings that name it.
        "MAILROOM_OUTBOUND_CLOSED": f"{places.middle}:{places.redis}",
        "MAILROOM_IDENTITY_KEY": places.secrets.identity_key,
        "MAILROOM_LINK_KEY": places.secrets.link_key,
    }


def _base(home: Path, places: Places) -> Mapping[str, str]:
    return {
        **inherited(),
        **prefect_settings.CLIENT,
        "PREFECT_API_URL": places.prefect_api,
        **places.login("PREFECT_API_AUTH_STRING"),
        # Of one process: servers write to it at their start.
        "PREFECT_HOME": str(home),
        "PYTHONUNBUFFERED": "1",
    }
