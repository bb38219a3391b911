"""All of it: started in order, each process a unit with a log of its own, and ended in reverse."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx
import psutil

from bench.peak.backends import Backend
from bench.peak.stack import inherited
from bench.peak.waiting import EndedEarly, free_ports, say, wait_for
from bench.scale.stack import answers, environment, postgres, redis
from bench.scale.stack.environment import Places
from bench.scale.stack.hosts import Hosts
from bench.scale.stack.keeper import Keeper
from bench.scale.stack.unit import Unit
from bench.scale.stack.versions import Version
from mailroom.settings import CHECKOUT

_STARTS_WITHIN, _ENDS_WITHIN = 240, 90
_PREFECT = (str(Path(sys.executable).with_name("prefect")), "server")
_SERVICES = (*_PREFECT, "services", "start")


@dataclass(frozen=True, slots=True)
class Sizes:
    """The number of processes of each kind; `limit` is how many runs a worker has in progress at once."""

    prefect: int = 2
    services: int = 2
    api: int = 2
    workers: int = 2
    limit: int = 4


@dataclass
class Whole:
    """Everything that runs. The address before the API is `url`, that before the Prefect servers `prefect`.

    Attributes:
        version: of Mailroom, that everything is started with; None: the one of this checkout.
        addresses: of each Prefect server and API process, by its name.
        hosts: where the units run.
        drain_seconds: how long an API process that ends says that it is not ready; 0: the address does not ask for it.
    """

    folder: Path
    places: Places
    sizes: Sizes
    version: Version | None = None
    drain_seconds: int = 0
    units: dict[str, Unit] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    hosts: Hosts = field(default_factory=Hosts)

    @property
    def url(self) -> str:
        """Return the address of the API, whichever process answers."""
        return f"http://{self.places.middle}:{self.places.api}"

    @property
    def prefect(self) -> str:
        """Return the address of Prefect's API, whichever server answers."""
        return self.places.prefect_api

    @property
    def headers(self) -> dict[str, str]:
        """Return what every request of the API needs."""
        return {"Authorization": f"Bearer {self.places.secrets.api_key}"}

    @property
    def client(self) -> httpx.Client:
        """Return a new client of the API."""
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=self.headers, timeout=60, trust_env=False)

    @property
    def backend(self) -> Backend:
        """Return the databases, for questions in SQL."""
        return Backend(self.places.shared, self.places.database("{name}"), tuple(self._of("postgres")))

    @property
    def roots(self) -> list[psutil.Process]:
        """Everything that belongs to it starts here."""
        return [unit.process for unit in self.units.values() if unit.process is not None]

    def host(self, number: int) -> Path:
        """Return the data folder of a host; the shared artifacts are in it by a link, as by a mount elsewhere."""
        folder = self.folder / f"host-{number}"
        if not folder.exists():
            folder.mkdir(mode=0o700)
            (folder / "artifacts").symlink_to(self.places.shared)
        return folder

    def of(self, kind: str) -> list[Unit]:
        """Return the units of a kind, in order."""
        return [unit for unit in self.units.values() if unit.kind == kind]

    def _of(self, kind: str) -> list[psutil.Process]:
        return [unit.process for unit in self.of(kind) if unit.process is not None]

    def ask_prefect(self, path: str, body: object, method: str = "POST") -> httpx.Response:
        """Make one call of Prefect's API."""
        answer = httpx.request(
            method, f"{self.prefect}{path}", json=body, auth=self.places.prefect_login, timeout=60, trust_env=False
        )
        return answer.raise_for_status()

    def start(self, unit: Unit) -> None:
        """Start one of them, and return when it can be used."""
        _start(self, [unit])

    def replace(self, unit: Unit, version: Version | None) -> None:
        """End one of them in order, and start it again with a version, as `systemctl restart` does after an upgrade."""
        unit.stop(patience=_ENDS_WITHIN)
        unit.version = version
        self.start(unit)

    def run(self, *command: str, version: Version | None = None, good: Sequence[int] = (0,)) -> str:
        """Run a command of Mailroom's CLI on the first host, and return what it said.

        Raises:
            EndedEarly: it ended with another status than those that are good.
        """
        settings = environment.of_api(self.places, _home(self, "init"), self.host(1))
        settings |= {"MAILROOM_HOST": self.places.middle, "MAILROOM_API_PORT": str(self.places.api)}
        # Some commands read both databases, such as that of a backup.
        settings["MAILROOM_PREFECT_DATABASE_URL"] = self.places.database("prefect")
        settings["PATH"] = f"{postgres.programs()}{os.pathsep}{settings['PATH']}"
        return _once(self, [sys.executable, "-m", "cli.main", *command], settings, version, good)

    def worker_heard(self, name: str, since: datetime | None = None) -> bool:
        """Tell whether Prefect has heard from the worker since a moment, by default that of its last start."""
        after = self.units[name].started_at if since is None else since.timestamp()
        try:
            found = self.ask_prefect("/work_pools/mailroom/workers/filter", {}).json()
        except httpx.HTTPError:
            return False  # Not yet.
        heard = [datetime.fromisoformat(one["last_heartbeat_time"]) for one in found if one["name"] == name]
        return any(moment.timestamp() >= after for moment in heard)


@contextmanager
def running(
    folder: Path,
    sizes: Sizes | None = None,
    *,
    version: Version | None = None,
    drain_seconds: int = 0,
    hosts: Hosts | None = None,
) -> Iterator[tuple[Whole, Keeper]]:
    """Run everything below `folder`, which must be new, while the block does; what dies meanwhile is started again."""
    hosts = hosts or Hosts()
    folder.mkdir()
    folder.chmod(0o755)  # Postgres of another user must be able to walk here.
    postgres_port, redis_port, prefect_port, api_port = free_ports(4)
    places = Places(folder / "shared", hosts.middle, postgres_port, redis_port, prefect_port, api_port)
    whole = Whole(folder, places, sizes or Sizes(), version, drain_seconds, hosts=hosts)
    whole.places.shared.mkdir(mode=0o700)
    with hosts.open(), ExitStack() as opened:
        opened.callback(_stop, whole)
        for group in (_stores, _prefect, _mailroom):
            group(whole)
        keeper = Keeper(list(whole.units.values()))
        opened.enter_context(keeper.keeping())
        yield whole, keeper
        say("stopping everything")


def _stores(whole: Whole) -> None:
    say("starting Postgres and Redis")
    places = whole.places
    where = (whole.folder, places.middle)
    _start(whole, [postgres.unit(*where, places.postgres), redis.unit(*where, places.redis)])
    import psycopg  # noqa: PLC0415  only where there is a Postgres

    with psycopg.connect(places.database("postgres"), autocommit=True) as connection:
        for name in ("mailroom", "prefect"):
            connection.execute(f"CREATE DATABASE {name}".encode())
        # As docs/operations/several.md has it: the transactions of a Prefect server whose host is lost end.
        for name, value in (("idle", "10"), ("interval", "5"), ("count", "2")):
            connection.execute(f"ALTER DATABASE prefect SET tcp_keepalives_{name} = {value}".encode())


def _prefect(whole: Whole) -> None:
    say(f"starting {whole.sizes.prefect} Prefect servers, {whole.sizes.services} of their services")
    _once(whole, [*_PREFECT, "database", "upgrade", "-y"], environment.of_prefect(whole.places, _home(whole, "init")))
    servers = []
    for number in range(1, whole.sizes.prefect + 1):
        name, (address, port) = f"prefect-{number}", _address(whole, f"prefect-{number}", number)
        command = [*_PREFECT, "start", "--no-services", "--host", address, "--port", port]
        ask = answers.to_http(whole.addresses[name], "/api/health")
        servers.append(_unit(whole, name, "prefect", number, command, environment.of_prefect, ask))
    services = []
    for number in range(1, whole.sizes.services + 1):
        one = _unit(whole, f"services-{number}", "services", number, _SERVICES, environment.of_prefect, lambda: False)
        one.answers = answers.on_docket(one, whole.places.redis_url(1))
        services.append(one)
    # On a new database each server registers the types of blocks. Two that do it at once trip over each other.
    _start(whole, [servers[0], *services])
    _start(whole, [*servers[1:], _front(whole, "prefect", whole.places.prefect, "/api/health")])


def _mailroom(whole: Whole) -> None:
    say(f"starting {whole.sizes.api} API processes, {whole.sizes.workers} workers with renderers")
    settings = environment.of_api(whole.places, _home(whole, "init"), whole.host(1))
    _once(whole, [sys.executable, "-m", "cli.main", "init", "--wait", "60"], settings, whole.version)
    found = [
        _of_host(whole, f"renderers-{number}", "renderers", number, _RENDERERS, environment.of_renderers)
        for number in range(1, max(whole.sizes.workers, whole.sizes.api) + 1)
    ]
    for number in range(1, whole.sizes.api + 1):
        name, (address, port) = f"api-{number}", _address(whole, f"api-{number}", number)
        command = [*_API, "--host", address, "--port", port]
        one = _of_host(whole, name, "api", number, command, environment.of_api)
        one.answers = answers.to_http(whole.addresses[name], "/healthz")
        one.environment = {**one.environment, "MAILROOM_DRAIN_SECONDS": str(whole.drain_seconds)}
        found.append(one)
    found.append(_front(whole, "api", whole.places.api, "/readyz" if whole.drain_seconds else "/healthz"))
    for number in range(1, whole.sizes.workers + 1):
        name = f"worker-{number}"
        command = [*_WORKER, "--name", name, "--limit", str(whole.sizes.limit)]
        one = _of_host(whole, name, "worker", number, command, environment.of_worker)
        one.answers = lambda name=name: whole.worker_heard(name)  # type: ignore[misc]  # mypy knows no default here
        found.append(one)
    _start(whole, found)


_RENDERERS = (sys.executable, "-m", "mailroom.rendering.renderers.service")
_API = (sys.executable, "-m", "uvicorn", "api.app:create_app", "--factory", "--no-access-log", "--no-proxy-headers")
_WORKER = (sys.executable, "-m", "prefect_mailroom.worker", "--pool", "mailroom")
_Settings = Callable[[Places, Path, Path], dict[str, str]]


def _of_host(whole: Whole, name: str, kind: str, host: int, command: Sequence[str], settings: _Settings) -> Unit:
    """Return a unit of the host of that number, which asks the renderers of its host."""
    data = whole.host(host)

    def made(places: Places, home: Path) -> dict[str, str]:
        return settings(places, home, data)

    unit = _unit(whole, name, kind, host, command, made, (data / environment.SOCKET).exists)
    unit.version = whole.version
    return unit


def _unit(
    whole: Whole,
    name: str,
    kind: str,
    host: int,
    command: Sequence[str],
    settings: Callable[[Places, Path], dict[str, str]],
    ask: Callable[[], bool],
) -> Unit:
    log = whole.folder / "logs" / f"{name}.log"
    unit = Unit(name, kind, command, settings(whole.places, _home(whole, name)), log, ask)
    unit.host, unit.inside = host, whole.hosts.inside(host)
    return unit


def _address(whole: Whole, name: str, host: int) -> tuple[str, str]:
    """Choose where a server listens; returns its address and its port."""
    address, port = whole.hosts.address(host), str(free_ports(1)[0])
    whole.addresses[name] = f"{address}:{port}"
    return address, port


def _front(whole: Whole, kind: str, port: int, path: str) -> Unit:
    backends = [backend for name, backend in whole.addresses.items() if name.startswith(kind)]
    address = f"{whole.places.middle}:{port}"
    command = [sys.executable, "-m", "bench.scale.stack.front", address, path, *backends]
    name = f"front-{kind}"
    log = whole.folder / "logs" / f"{name}.log"
    return Unit(name, "front", command, inherited(), log, answers.to_http(address, path))


def _home(whole: Whole, name: str) -> Path:
    home = whole.folder / "homes" / name
    home.mkdir(parents=True, exist_ok=True)
    return home


def _start(whole: Whole, units: Sequence[Unit]) -> None:
    """Start all of them at once, and return when each can be used."""
    for unit in units:
        whole.units[unit.name] = unit
        unit.start()
    for unit in units:
        wait_for(unit.name, lambda unit=unit: _is_up(unit), _STARTS_WITHIN, every=0.2)  # type: ignore[misc]  # as above


def _is_up(unit: Unit) -> bool:
    if not unit.runs:
        raise EndedEarly(f"{unit.name} ended by itself:\n{unit.last_lines()}")
    return unit.answers()


def _once(
    whole: Whole,
    command: Sequence[str],
    settings: Mapping[str, str],
    version: Version | None = None,
    good: Sequence[int] = (0,),
) -> str:
    words = list(command)
    if version is not None:
        command, settings = version.command(words), version.environment(settings)
    log = whole.folder / "logs" / "init.log"
    before = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        done = subprocess.run(
            list(command),
            env=dict(settings),
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=_STARTS_WITHIN,
            check=False,
        )
    said = log.read_bytes()[before:].decode(errors="replace")
    if done.returncode not in good:
        end = "\n".join(said.splitlines()[-15:])
        raise EndedEarly(f"{' '.join(words[:4])} ended with status {done.returncode}:\n{end}")
    return said


def _stop(whole: Whole) -> None:
    stores = ("postgres", "redis")
    for unit in whole.units.values():
        if unit.kind not in stores:  # Everything else at once, while it can still store what it does.
            unit.ask_to_end()
    for unit in reversed(list(whole.units.values())):
        unit.stop()
