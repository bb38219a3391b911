"""List the routers of all pages, in the order in which they are asked."""

from __future__ import annotations

from fastapi import APIRouter

from api.web import closing
from api.web.assets import serving as assets
from api.web.audit import routes as audit
from api.web.connection import checks as connection_checks
from api.web.connection import edit as connection_edit
from api.web.connection import routes as connection
from api.web.connections import routes as connections
from api.web.keys import routes as keys
from api.web.links import downloads, unsubscribe
from api.web.login import routes as login
from api.web.me import routes as me
from api.web.report import picture as report_picture
from api.web.report import routes as report
from api.web.reports import routes as reports
from api.web.schedule import confirm as schedule_confirm
from api.web.schedule import routes as schedule
from api.web.teams import routes as teams
from api.web.users import leaving as users_leaving
from api.web.users import routes as users
from api.web.wizard import routes as wizard
from api.web.wizard.destinations import routes as destinations
from api.web.wizard.parameters import routes as parameters
from api.web.wizard.steps import frequency
from api.web.wizard.steps import report as report_step

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    closing.router,
    login.router,
    wizard.router,  # Before the page of a schedule: "new" is no schedule's id.
    report_step.router,
    frequency.router,
    parameters.router,
    destinations.router,
    me.router,
    audit.router,
    users_leaving.router,
    users.router,
    teams.router,
    keys.router,
    downloads.router,
    unsubscribe.router,
    schedule_confirm.router,
    schedule.router,
    connections.router,
    # /connections/new is no name.
    connection_edit.router,
    connection_checks.router,
    connection.router,
    reports.router,
    report.router,
    report_picture.router,
)
