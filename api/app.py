"""Build the application: `uvicorn api.app:create_app --factory`."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.routing import BaseRoute

from api.http import docs, health, logs, problems
from api.http.audited import refusals
from api.http.auth import ApiKeyGuard, require_key
from api.http.browser.compressed import Compressed
from api.http.browser.csrf import CrossSiteDefence
from api.http.browser.headers import SecurityHeaders
from api.http.browser.session_over import SessionOver
from api.http.dependencies import plain_query
from api.http.ending import draining
from api.http.metrics import routes as metrics
from api.http.rates.counting import Counting
from api.http.rates.middleware import AddressRate, LoginRate
from api.rest.alerts import routes as alerts
from api.rest.apply import routes as apply
from api.rest.artifacts import routes as artifacts
from api.rest.audit import routes as audit
from api.rest.backfill import routes as backfill
from api.rest.calendars import routes as calendars
from api.rest.conditions import routes as conditions
from api.rest.connections import routes as connections
from api.rest.deliveries import routes as deliveries
from api.rest.distribution import preview as distribution_preview
from api.rest.distribution import routes as distribution
from api.rest.drafts import routes as drafts
from api.rest.executions import routes as executions
from api.rest.incidents import routes as incidents
from api.rest.keys import routes as keys
from api.rest.limits import routes as limits
from api.rest.load import routes as load
from api.rest.notifications import routes as notifications
from api.rest.product_events import routes as product_events
from api.rest.recipients import routes as recipients
from api.rest.reports import routes as reports
from api.rest.schedule_templates import routes as schedule_templates
from api.rest.schedules import bulk, saved_views
from api.rest.schedules import routes as schedules
from api.rest.sessions import routes as sessions
from api.rest.sharing import routes as sharing
from api.rest.stats import routes as stats
from api.rest.stops import routes as stops
from api.rest.suppressions import routes as suppressions
from api.rest.teams import routes as teams
from api.rest.unsubscribed import routes as unsubscribed
from api.rest.users import login as users_login
from api.rest.users import routes as users
from api.services import Services
from api.web import errors as error_pages
from api.web.routers import ROUTERS
from deployments import alert_loops, trail_loops
from deployments.deletion_loop import deletion_loop
from deployments.heartbeats import Heartbeats
from deployments.reach_loop import reach_loop
from deployments.reconcile import Reconciler
from deployments.watched_loop import WatchedLoop
from mailroom import own_endpoints
from mailroom.access.oidc.provider import Provider
from mailroom.drafts import service as kept_drafts
from mailroom.errors import Unavailable
from mailroom.incidents import watch
from mailroom.members import keys as user_keys
from mailroom.members import web_sessions
from mailroom.product_events import send as product_event_sender
from mailroom.quick_start import collect_seldom
from mailroom.rendering import cleaner
from mailroom.retention import service as retention
from mailroom.safety import unsafe
from mailroom.schedules import watchdog
from mailroom.settings import Settings, current
from mailroom.stops import restored
from mailroom.stops import service as stopping
from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.database import Database
from mailroom.storage.migrations import fit
from mailroom.telling.readers import service as told_readers
from mailroom.watching.counts import refresh as counts
from mailroom.watching.signs.prefect import Probe
from prefect_mailroom.worker.shared_tls import share_tls_contexts

_LOG = logging.getLogger(__name__)
DESCRIPTION = """Reports, on time, to everyone who waits for them.

Every refused request gets an RFC 9457 problem document that names the field, what is wrong and what to do.
Lists are paged by `cursor`. POST takes `Idempotency-Key`, PUT, PATCH and DELETE take `If-Match`."""

# Executions, load and views stand before schedules: /schedules/executions is not a schedule's id.
PARTS = (
    executions,
    load,
    saved_views,
    schedules,
    bulk,
    artifacts,
    connections,
    reports,
    calendars,
    deliveries,
    distribution,
    distribution_preview,
    stats,
    backfill,
    conditions,
    audit,
    notifications,
    incidents,
    sharing,
    users,
    users_login,
    teams,
    keys,
    limits,
    sessions,
    stops,
    recipients,
    suppressions,
    product_events,
    unsubscribed,
    drafts,
    schedule_templates,
    alerts,
    apply,
)


def create_app(settings: Settings | None = None, database: Database | None = None) -> FastAPI:
    """Build the application over these settings, or those of the environment. A database that is given is not closed.

    Raises:
        ConfigurationError: a setting is wrong, or no API key is set.
    """
    settings = settings or current()
    unsafe.refuse(settings, os.environ)
    key = require_key(settings.api_key)
    own_endpoints.close(settings)
    logs.configure()
    share_tls_contexts()
    ours = database or Database(settings.database)
    reconciler = Reconciler(ours, settings)
    counting = Counting(settings.rate_limit_storage.get_secret_value())
    loops = [
        *reconciler.loops(),
        deletion_loop(ours),
        reach_loop(ours, settings),
        _watchdog(ours),
        _cleaner(ours, settings),
        _retention(ours, settings),
        _witness(ours, settings),
        _reminders(ours, settings),
        _readers(ours, settings),
        _product_events(ours, settings),
        _counting(ours),
        *trail_loops.loops(ours, settings),
        _incidents(ours, settings),
        *alert_loops.loops(ours, settings),
    ]
    probe = Probe(settings, clock=ours.now)
    heartbeats = Heartbeats(ours, settings, loops, probe)
    loops = [*loops, heartbeats.loop()]

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await _look_whether_restored(ours, settings)
        _tune_interpreter()
        draining.install(app.state.services.ending, settings.drain_seconds)
        works = [asyncio.create_task(loop.run(), name=loop.health.name) for loop in loops]
        try:
            yield
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
            await heartbeats.end()
            await probe.close()
            await app.state.services.painter.close()
            await app.state.services.under_way.close()
            await reconciler.close()
            await counting.close()
            if database is None:
                await ours.close()

    app = FastAPI(
        title="Mailroom",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        # A redirect would carry the Host header that the caller chose.
        redirect_slashes=False,
        routes=_routes(),
    )
    store, provider = ArtifactStore(settings.artifacts_dir), Provider(settings)
    app.state.services = Services(settings, ours, reconciler, store, loops, provider, probe, clock=ours.now)
    problems.install(app)
    error_pages.install(app)
    refusals.install(app)
    docs.complete_openapi(app)
    # The last one added is the outermost.
    app.add_middleware(CrossSiteDefence, settings=settings)
    app.add_middleware(LoginRate, settings=settings, counting=counting)
    app.add_middleware(ApiKeyGuard, key=key, database=ours, settings=settings, over=SessionOver(ours, settings))
    app.add_middleware(AddressRate, settings=settings, counting=counting)
    app.add_middleware(logs.RequestLog, unexpected=error_pages.unexpected)
    app.add_middleware(SecurityHeaders, settings=settings)
    app.add_middleware(Compressed)
    return app


@cache
def _routes() -> list[BaseRoute]:
    """Return the routes of every application of this process; FastAPI needs a tenth of a second to work them out."""
    every = APIRouter()
    every.include_router(health.router)
    every.include_router(metrics.router)
    every.include_router(docs.router)
    for router in ROUTERS:
        every.include_router(router, dependencies=[Depends(plain_query)])
    for part in PARTS:
        every.include_router(part.router, prefix="/api/v1", dependencies=[Depends(plain_query)])
    return every.routes


def _tune_interpreter() -> None:
    """Fit the interpreter to a process that answers many short requests, whose database has a thread of its own.

    Measured with `make bench-api`: looking for garbage among all that was built at the start took a quarter of the time
    of a list; and a thread that waits up to 5 ms for the event loop, at each statement, made answers twice as slow.
    """
    gc.freeze()
    collect_seldom()
    sys.setswitchinterval(0.0005)


async def _look_whether_restored(database: Database, settings: Settings) -> None:
    """Stop everything first, where the database is older than what was sent from here."""
    try:
        if (await fit(database)).works:
            await restored.look(database, settings.witness_path, now=database.now())
            if settings.read_only:
                await database.transact(
                    lambda session: stopping.begin_read_only(
                        session, "MAILROOM_READ_ONLY is set", by="MAILROOM_READ_ONLY", now=database.now()
                    )
                )
    except (SQLAlchemyError, OSError, Unavailable):
        # The process lives without its database, too, and says so in /readyz; the loop looks before anything else.
        _LOG.exception("The database cannot be compared with its witness yet; this will be tried again.")


def _witness(database: Database, settings: Settings) -> WatchedLoop:
    async def tick() -> None:
        await restored.tick(database, settings.witness_path, now=database.now())

    return WatchedLoop("ledger witness", tick, every=restored.EVERY_SECONDS, late_after=restored.LATE_AFTER_SECONDS)


def _watchdog(database: Database) -> WatchedLoop:
    async def look() -> None:
        await watchdog.look(database, now=database.now())

    return WatchedLoop("watchdog", look, every=watchdog.EVERY_SECONDS, late_after=watchdog.LATE_AFTER_SECONDS)


def _incidents(database: Database, settings: Settings) -> WatchedLoop:
    async def look() -> None:
        await watch.look(database, settings, now=database.now())

    return WatchedLoop("incident watch", look, every=watch.EVERY_SECONDS, late_after=watch.LATE_AFTER_SECONDS)


def _cleaner(database: Database, settings: Settings) -> WatchedLoop:
    async def look() -> None:
        await cleaner.clean(database, settings, now=database.now())

    return WatchedLoop("cleaner", look, every=cleaner.EVERY_SECONDS, late_after=cleaner.LATE_AFTER_SECONDS)


def _retention(database: Database, settings: Settings) -> WatchedLoop:
    async def look() -> None:
        await retention.remove_old(database, settings, now=database.now())

    return WatchedLoop("retention", look, every=retention.EVERY_SECONDS, late_after=retention.LATE_AFTER_SECONDS)


def _readers(database: Database, settings: Settings) -> WatchedLoop:
    async def look() -> None:
        await told_readers.look(database, settings, clock=database.now)

    return WatchedLoop(
        "notices to readers", look, every=told_readers.EVERY_SECONDS, late_after=told_readers.LATE_AFTER_SECONDS
    )


def _product_events(database: Database, settings: Settings) -> WatchedLoop:
    async def look() -> None:
        await product_event_sender.tick(database, settings.product_events, clock=database.now)

    return WatchedLoop(
        "product events",
        look,
        every=product_event_sender.EVERY_SECONDS,
        late_after=product_event_sender.LATE_AFTER_SECONDS,
    )


def _reminders(database: Database, settings: Settings) -> WatchedLoop:
    async def look() -> None:
        now = database.now()
        await user_keys.remind(database, settings, now=now)
        await web_sessions.forget(database, now=now)
        await kept_drafts.forget(database, settings, now=now)

    return WatchedLoop("key reminders", look, every=user_keys.EVERY_SECONDS, late_after=user_keys.LATE_AFTER_SECONDS)


def _counting(database: Database) -> WatchedLoop:
    async def look() -> None:
        # Whichever process comes first counts, for all.
        await counts.refresh(database, now=database.now(), not_within=counts.JUST_NOW)

    return WatchedLoop("counts", look, every=counts.EVERY_SECONDS, late_after=counts.LATE_AFTER_SECONDS)
