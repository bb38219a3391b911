"""Settings, all from `MAILROOM_…` variables, validated when constructed: a wrong one stops the start with its name.

Embedded is the default: everything lives below `data_dir`, on this machine, and nothing needs to be set.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mailroom.setting_groups.alerts import AlertSettings
from mailroom.setting_groups.health import HealthSettings
from mailroom.setting_groups.incidents import IncidentSettings
from mailroom.setting_groups.limits import LimitSettings
from mailroom.setting_groups.links import LinkSettings
from mailroom.setting_groups.login import LoginSettings
from mailroom.setting_groups.product_events import ProductEventSettings
from mailroom.setting_groups.rates import RateSettings
from mailroom.setting_groups.retention import RetentionSettings
from mailroom.setting_groups.secrets import SecretSettings
from mailroom.setting_groups.secrets_elsewhere import SecretsElsewhere
from mailroom.setting_groups.telling import TellingSettings
from mailroom.zone_names import known_zones
from prefect_mailroom.errors import ConfigurationError

LONGEST_SOCKET = 100
CHECKOUT = Path(__file__).resolve().parent.parent


class Settings(SecretSettings, RateSettings, LoginSettings, LinkSettings, HealthSettings, RetentionSettings):
    """Everything that can be set; each field is the variable `MAILROOM_<FIELD>` in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="MAILROOM_", env_nested_delimiter="__", extra="ignore", frozen=True, populate_by_name=True
    )

    mode: Literal["embedded", "production"] = Field(
        default="embedded",
        description="`embedded`: all on this machine. `production`: what must not be left to a default is asked for.",
    )
    data_dir: Path = Field(
        default=Path(".mailroom"), description=("The folder for the database, artifacts, logs and caught mail.")
    )
    artifacts_folder: Path | None = Field(
        default=None,
        description=(
            "The folder of the rendered files, which several hosts share by a mount. If unset, it is in data_dir."
        ),
    )
    database_url: str = Field(
        default="", description=("The SQLAlchemy URL of Mailroom's tables. If empty, SQLite in data_dir is used.")
    )
    read_only: bool = Field(
        default=False,
        description=(
            "Whether the API refuses changes and nothing is sent. An API process that starts with it sets the same "
            "switch as `mailroom read-only on`, for every process; `mailroom read-only off` ends that."
        ),
    )
    owner_email: str = Field(
        default="owner@localhost",
        pattern=r"^[^@\s]+@[^@\s]+$",
        description=("The user on whose behalf the API key acts, who is an admin."),
    )
    host: str = Field(default="127.0.0.1", description="The address that everything of this machine listens at.")
    api_port: int = Field(default=8080, ge=1, le=65535, description="The port of the API and the pages.")
    prefect_port: int = Field(default=4200, ge=1, le=65535, description="The port of the embedded Prefect server.")
    mail_web_port: int = Field(default=8025, ge=1, le=65535, description="The port of the mail catcher's pages.")
    mail_smtp_port: int = Field(default=1025, ge=1, le=65535, description="The port at which it takes mails.")
    prefect_api_url: str = Field(
        default="", description=("The URL of the Prefect API. If empty, the embedded server on prefect_port is used.")
    )
    prefect_database_url: str = Field(
        default="", description=("The database URL of the embedded Prefect. If empty, SQLite is used.")
    )
    prefect_ui_url: str = Field(default="", description="The address of the Prefect UI in links.")
    public_address: str = Field(
        default="", description=("The address of the API in links. If empty, host and api_port are used.")
    )
    work_pool: str = Field(
        default="mailroom",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 _-]*$",
        description="The work pool in Prefect that all runs of Mailroom go to.",
    )
    worker_type: Literal["mailroom-warm", "process"] = Field(
        default="mailroom-warm",
        description=(
            "The type of the embedded worker. `process` is Prefect's own, which starts an interpreter for each run."
        ),
    )
    worker_limit: int = Field(
        default=0,
        ge=0,
        le=1000,
        description=("How many flow runs may be in progress at once. 0 means 8 for a warm worker, else 2."),
    )
    default_timezone: str = Field(
        default="UTC", description="The time zone of new users, of alerts and of digests: an IANA name."
    )
    minimum_interval_seconds: int = Field(
        default=3600, ge=60, description=("The shortest allowed time between two due times.")
    )
    backfill_most: int = Field(
        default=100, ge=1, le=10_000, description=("The largest number of due times in one backfill.")
    )
    undo_delete_seconds: int = Field(
        default=600, ge=0, le=86_400, description="For how long the deletion of a schedule can be undone."
    )
    duplicate_window_minutes: int = Field(
        default=60, ge=0, le=1440, description="Two schedules that send the same within this time are warned about."
    )
    crowded_minute_runs: int = Field(
        # A warm worker on two cores begins about 7 runs a second, so 60 are under way within 10 s.
        default=60,
        ge=1,
        description="Schedules get a warning when more than this many are due in one minute.",
    )
    sync_wait_seconds: float = Field(default=0.05, ge=0, le=30, description="How long an API answer waits for Prefect.")
    prefect_writers: int = Field(
        default=2, ge=1, le=32, description=("How many changes are written to Prefect at the same time.")
    )
    prefect_writes_per_second: float = Field(
        default=25, gt=0, le=1000, description=("How many changes are written to Prefect per second, at most.")
    )
    drift_every_seconds: float = Field(
        default=60, gt=0, description=("How often Prefect is checked for changes made by hand.")
    )
    sync_every_seconds: float = Field(default=5.0, gt=0, description="How often pending changes are tried again.")
    artifact_days: int = Field(default=30, ge=1, description="How long rendered files can be downloaded.")
    drain_seconds: float = Field(
        default=0,
        ge=0,
        le=600,
        description="For how long an API process that is to end says that it is not ready, and still answers.",
    )
    draft_days: int = Field(default=30, ge=1, description="How long a draft is kept after its last change.")
    render_seconds: float = Field(default=600, gt=0, description="How long one rendering may take.")
    render_memory_mb: int = Field(default=2048, ge=128, description="How much memory one rendering may take.")
    render_output_mb: int = Field(default=2048, ge=1, description="How much one rendering may write.")
    render_rows: int = Field(default=20_000_000, ge=1, description="How many rows one query of a report may return.")
    limits: LimitSettings = Field(
        default=LimitSettings(), description="What users may have and do; see `mailroom.setting_groups.limits`."
    )
    alerts: AlertSettings = Field(
        default=AlertSettings(),
        description="How people are told of incidents; see `mailroom.setting_groups.alerts`.",
    )
    product_events: ProductEventSettings = Field(
        default=ProductEventSettings(),
        description="What the product is told of; see `mailroom.setting_groups.product_events`.",
    )
    incidents: IncidentSettings = Field(
        default=IncidentSettings(),
        description="When incidents are told, and to whom; see `mailroom.setting_groups.incidents`.",
    )
    telling: TellingSettings = Field(
        default=TellingSettings(), description="What is told when; see `mailroom.setting_groups.telling`."
    )
    renderers: int = Field(
        # Each takes about 200 MB, so more of them must be asked for.
        default_factory=lambda: min(os.cpu_count() or 1, 8),
        ge=1,
        le=256,
        description="The number of renderer processes on this machine. If unset, one per core, at most 8.",
    )
    renderers_socket: Path | None = Field(
        default=None,
        description=(
            "The socket of the renderer service, which must then run. If unset, the socket in data_dir is "
            "used if it runs."
        ),
    )
    min_free_mb: int = Field(default=200, ge=0, description="Rendering is refused when less free disk space is left.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read secrets from the files and variables that are named in place of them, and the rest as it is."""
        return init_settings, SecretsElsewhere(settings_cls), env_settings

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("renderers_socket", "artifacts_folder")
    @classmethod
    def _absolute_socket(cls, value: Path | None) -> Path | None:
        return value.expanduser().resolve() if value else None

    @field_validator("default_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in known_zones():
            raise ValueError("is not a time zone in the IANA list, such as Europe/Berlin")
        return value

    @property
    def database(self) -> str:
        """Return the URL of our tables, with an async driver.

        Raises:
            ConfigurationError: production has none; it never falls back to a file of its own.
        """
        if not self.database_url:
            self._refuse_default("MAILROOM_DATABASE_URL")
            return f"sqlite+aiosqlite:///{self.data_dir / 'mailroom.db'}"
        return with_async_driver(self.database_url)

    @property
    def worker_slots(self) -> int:
        """Return how many flow runs the embedded worker runs at once."""
        return self.worker_limit or (8 if self.worker_type == "mailroom-warm" else 2)

    @property
    def prefect_api(self) -> str:
        """Return the URL of the Prefect API.

        Raises:
            ConfigurationError: production has none.
        """
        if not self.prefect_api_url:
            self._refuse_default("MAILROOM_PREFECT_API_URL")
        return self.prefect_api_url or f"http://{self.host}:{self.prefect_port}/api"

    def _refuse_default(self, name: str) -> None:
        if self.mode == "production":
            raise ConfigurationError(
                f"Production needs {name}.", remedy="Set it. `mailroom doctor` shows what else is missing.", field=name
            )

    @property
    def prefect_ui(self) -> str:
        """Return the URL of the Prefect UI."""
        return self.prefect_ui_url or self.prefect_api.removesuffix("/api")

    @property
    def local_log_in(self) -> bool:
        """Return whether users can log in with a password."""
        return self.mode == "embedded" if self.local_accounts is None else self.local_accounts

    @property
    def public_url(self) -> str:
        """Return the URL of our API and pages, without a trailing slash."""
        return self.public_address.rstrip("/") or f"http://{self.host}:{self.api_port}"

    @property
    def renderers_path(self) -> Path:
        """Return the socket of the renderers; in /tmp if the path is too long for a socket (104 bytes on macOS)."""
        path = self.renderers_socket or self.data_dir / "renderers.sock"
        if len(os.fsencode(path)) <= LONGEST_SOCKET:
            return path
        name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        # The service refuses a folder of another user.
        return Path(f"/tmp/mailroom-{os.getuid()}/{name}.sock")  # noqa: S108  # see above

    @property
    def artifacts_dir(self) -> Path:
        """Return the folder of the content-addressed store of rendered files."""
        return self.artifacts_folder or self.data_dir / "artifacts"

    @property
    def witness_path(self) -> Path:
        """Return the file outside the database that tells how far the database was.

        It lies with artifacts that are shared, so that every host sees it, also one that was not there before.
        """
        return (self.artifacts_folder or self.data_dir) / "ledger-witness.json"

    @property
    def checkpoints_path(self) -> Path:
        """Return the file outside the database that has the signed checkpoints of the audit trail."""
        return self.data_dir / "audit-checkpoints.jsonl"


def with_async_driver(url: str) -> str:
    """Return the URL of a database with the async driver that we use for it. Pure."""
    scheme, _, rest = url.partition("://")
    drivers = {"postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}
    return f"{drivers.get(scheme.split('+')[0], scheme)}://{rest}"


def load() -> Settings:
    """Read the settings from the environment.

    Raises:
        ConfigurationError: naming each wrong variable and its fault.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = [
            f"{'MAILROOM_' + '__'.join(map(str, fault['loc'])).upper() if fault['loc'] else 'Settings'}: {fault['msg']}"
            for fault in error.errors(include_input=False)
        ]
        raise ConfigurationError(
            "; ".join(faults) + ".", remedy="Correct the environment variables and start again."
        ) from error


@cache
def _cached(_environment: tuple[tuple[str, str], ...]) -> Settings:
    return load()


def current() -> Settings:
    """Return the settings of this process; they are read again when the environment has changed."""
    read = ("MAILROOM_", "PREFECT_SERVER_ENCRYPTION_KEY")
    return _cached(tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith(read))))
