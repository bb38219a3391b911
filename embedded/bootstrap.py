"""Sets a machine up, as `mailroom init` does. Each step does only what is missing, so all of it can be repeated."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from embedded import data_dir, prefect_settings, services
from mailroom import own_endpoints
from mailroom.access.service import ensure_default_user
from mailroom.errors import BreaksSchedules, Unavailable
from mailroom.reports.folders.folder import Catalog, load_catalog
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules.report_change.save import store_folder
from mailroom.settings import CHECKOUT, Settings
from mailroom.stops import restored
from mailroom.storage import migrations
from mailroom.storage.database import Database
from mailroom.storage.hosts import marker
from prefect_mailroom.errors import ConfigurationError

if TYPE_CHECKING:
    from prefect.blocks.core import Block
    from prefect.client.orchestration import PrefectClient

Say = Callable[[str], None]
CATALOG = CHECKOUT / "catalog"


def flights_database(settings: Settings) -> Path:
    """Return where the sample reports' data lies."""
    return settings.data_dir / "samples" / "flights.db"


def use_our_prefect(settings: Settings) -> None:
    """Point this process at our Prefect, whether it has imported Prefect already or not."""
    if settings.mode == "embedded":
        os.environ.update(prefect_settings.client_environment(settings))
        os.environ["MAILROOM_OUTBOUND_ALLOW"] = services.outbound_allow(settings)
    else:
        prefect_settings.read_login()
        os.environ.update({**prefect_settings.client_environment(settings), **os.environ})
    os.environ["PREFECT_API_URL"] = settings.prefect_api
    if "prefect" in sys.modules:
        # It has read its settings when it was imported, and without a URL it would start a server of its own.
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()
    own_endpoints.close(settings)


async def local_part(settings: Settings, say: Say, *, adopt_artifacts: bool = False) -> Catalog:
    """Make the data folder, the API key, the tables, the default user, the sample data and the catalog.

    Returns the catalog that was read; reports with faults are in its `errors`, and the others were stored.

    Args:
        adopt_artifacts: whether the folder of the artifacts becomes the store, whatever was the store before. An
            embedded system has one machine, and so one folder.
    """
    data_dir.prepare(settings)
    if settings.mode == "embedded":
        data_dir.api_key(settings)
    settings.artifacts_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    loading = asyncio.create_task(asyncio.to_thread(_load_samples, settings, say))
    try:
        database = Database(settings.database)
        try:
            await migrations.upgrade(database)
            say("the tables are up to date")
            anew = adopt_artifacts or settings.mode == "embedded"
            shared = await marker.adopt(database, settings.artifacts_dir, anew=anew)
            if shared is not marker.Shared.YES:
                say(f"PROBLEM: {settings.artifacts_dir} is not the store of rendered files; see `mailroom doctor`.")
            if stop := await restored.look(database, settings.witness_path, now=database.now()):
                say(f"STOPPED: {stop.reason} Nothing leaves until you resume it: `mailroom resume` shows what waits.")
            async with database.session() as session:
                await ensure_default_user(session, database.now(), settings)
            found = await sync_catalog(database, CATALOG, say)
        finally:
            await database.close()
    finally:
        await loading
    return found


def _load_samples(settings: Settings, say: Say) -> None:
    from embedded.samples import is_loaded, load_flights

    if settings.mode != "embedded" or is_loaded(flights_database(settings)):
        return
    shown = 0

    def progress(done: int, total: int) -> None:
        nonlocal shown
        tenth = done * 10 // total
        if tenth > shown:
            shown = tenth
            say(f"sample data: {done:,} of {total:,} flights")

    load_flights(flights_database(settings), progress)


async def sync_catalog(database: Database, root: Path, say: Say, *, suspend_broken: bool = False) -> Catalog:
    """Store every report folder below `root` that is without faults, and say what changed and what is wrong.

    A report whose new version would break active schedules stays as it was, and is among `kept` of the catalog.

    Args:
        suspend_broken: whether those schedules may be suspended instead.
    """
    found = await asyncio.to_thread(load_catalog, root)
    for definition in found.reports.values():
        if not await _store(database, definition, say, suspend_broken):
            found.kept.append(definition.id)
    for warning in found.warnings:
        say(f"warning: {warning}")
    for error in found.errors:
        say(f"ERROR {error}")
    return found


async def _store(database: Database, definition: ReportDefinition, say: Say, suspend_broken: bool) -> bool:
    """Store one report in a transaction of its own; return whether it was allowed."""
    now = database.now()
    try:
        saved = await database.transact(
            lambda session: store_folder(session, definition, now=now, suspend_broken=suspend_broken)
        )
    except BreaksSchedules as refused:
        say(f"ERROR report {definition.id}: not stored. {refused}")
        for fault in refused.faults:
            say(f"ERROR report {definition.id}: {fault}")
        return False
    if saved.outcome != "unchanged":
        say(f"report {definition.id}: {saved.outcome}")
    for one in saved.suspended:
        say(f"WARNING report {definition.id}: {one} It was suspended.")
    for one in saved.unfit:
        say(f"warning: report {definition.id}: {one}")
    return True


async def wait_for_prefect(settings: Settings, seconds: float) -> bool:
    """Tell whether Prefect answers within that time; asked once when it is 0."""
    import httpx

    if seconds:
        # While Prefect starts there is time to import what is needed of it.
        await asyncio.to_thread(import_module, "embedded.connections")

    deadline = time.monotonic() + seconds
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        while True:
            try:
                if (await client.get(f"{settings.prefect_api}/health")).is_success:
                    return True
            except httpx.TransportError:
                pass  # Not there yet; the deadline decides.
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(0.2)


async def prefect_part(settings: Settings, say: Say, *, wait: float = 0) -> None:
    """Make the work pool, our own flows, the block types and, embedded, the connections that the samples need.

    Args:
        wait: the seconds that the servers behind these connections have to answer their check.

    Raises:
        Unavailable: Prefect does not answer.
    """
    import httpx
    from prefect.client.orchestration import get_client

    from deployments import own_flows

    try:
        async with get_client() as client:
            await _work_pool(client, settings, say)
            for flow in await own_flows.ensure_all(client, settings):
                say(f"{flow.name}: runs {flow.slug.replace('-', ' ')}")
            await _block_types(client)
    except httpx.TransportError as error:
        raise Unavailable(
            f"Prefect does not answer at {settings.prefect_api}.",
            remedy=("Start it, or run `mailroom up`, and try again."),
        ) from error
    if settings.mode == "embedded":
        from embedded import connections

        database = Database(settings.database)
        try:
            await connections.ensure(database, settings, say, wait=wait)
        finally:
            await database.close()


async def _work_pool(client: PrefectClient, settings: Settings, say: Say) -> None:
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
    from prefect.workers.base import BaseWorker

    from prefect_mailroom import collection  # noqa: F401  registers the warm worker's type

    try:
        found = await client.read_work_pool(settings.work_pool)
        if found.type != settings.worker_type:
            raise ConfigurationError(
                (
                    f"The work pool {settings.work_pool} has the type {found.type}, but the worker has the "
                    f"type {settings.worker_type}."
                ),
                remedy="Set MAILROOM_WORK_POOL to a new name, or MAILROOM_WORKER_TYPE to the pool's type.",
                field="MAILROOM_WORKER_TYPE",
            )
    except ObjectNotFound:
        worker = BaseWorker.get_worker_class_from_type(settings.worker_type)
        assert worker is not None, "both types are registered by now"
        template = worker.get_default_base_job_template()
        pool = WorkPoolCreate(name=settings.work_pool, type=settings.worker_type, base_job_template=template)
        try:
            await client.create_work_pool(pool)
            say(f"work pool {settings.work_pool}: created")
        except ObjectAlreadyExists:
            say(f"work pool {settings.work_pool}: another process created it first")


def block_types() -> list[type[Block]]:
    """Return every block type that a connection can be, and those inside them."""
    from prefect.blocks.core import Block

    from prefect_mailroom import collection

    found = [getattr(collection, name) for name in collection.__all__]
    return [kind for kind in found if isinstance(kind, type) and issubclass(kind, Block)]


async def _block_types(client: PrefectClient) -> None:
    for kind in block_types():
        await kind.aregister_type_and_schema(client=client)
