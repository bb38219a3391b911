"""List the routers of all pages, in the order in which they are asked."""

from __future__ import annotations

from fastapi import APIRouter

from api.web import closing
from api.web.account import routes as account
from api.web.assets import serving as assets
from api.web.links import downloads, unsubscribe
from api.web.login import routes as login
from api.web.schedule import confirm as schedule_confirm
from api.web.schedule import routes as schedule
from api.web.schedules import bulk as schedules_bulk
from api.web.schedules import routes as schedules

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    closing.router,
    login.router,
    account.router,
    downloads.router,
    unsubscribe.router,
    # Before the page of one schedule: /schedules/bulk is not a schedule's id.
    schedules.router,
    schedules_bulk.router,
    schedule_confirm.router,
    schedule.router,
)
