"""List the routers of all pages, in the order in which they are asked."""

from __future__ import annotations

from fastapi import APIRouter

from api.web import closing
from api.web.account import routes as account
from api.web.assets import serving as assets
from api.web.calendar import edit as calendar_edit
from api.web.calendar import routes as calendar
from api.web.calendars import routes as calendars
from api.web.connection import checks as connection_checks
from api.web.connection import edit as connection_edit
from api.web.connection import routes as connection
from api.web.connections import routes as connections
from api.web.links import downloads, unsubscribe
from api.web.login import routes as login
from api.web.report import picture as report_picture
from api.web.report import routes as report
from api.web.reports import routes as reports

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    closing.router,
    login.router,
    account.router,
    downloads.router,
    unsubscribe.router,
    connections.router,
    # /connections/new is no name.
    connection_edit.router,
    connection_checks.router,
    connection.router,
    reports.router,
    report.router,
    report_picture.router,
    calendars.router,
    # /calendars/new is no id.
    calendar_edit.router,
    calendar.router,
)
