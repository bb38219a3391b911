"""List the routers of all pages, in the order in which they are asked."""

from __future__ import annotations

from fastapi import APIRouter

from api.web import closing
from api.web.as_code import routes as as_code
from api.web.assets import serving as assets
from api.web.audit import routes as audit
from api.web.calendar import edit as calendar_edit
from api.web.calendar import routes as calendar
from api.web.calendars import routes as calendars
from api.web.connection import checks as connection_checks
from api.web.connection import choosing as connection_choosing
from api.web.connection import edit as connection_edit
from api.web.connection import routes as connection
from api.web.connections import routes as connections
from api.web.execution import asking as execution_asking
from api.web.execution import routes as execution
from api.web.executions import routes as executions
from api.web.keys import routes as keys
from api.web.links import downloads, stop_mails, unsubscribe
from api.web.login import routes as login
from api.web.me import alerts_routes as me_alerts
from api.web.me import routes as me
from api.web.monitoring import routes as monitoring
from api.web.notifications import routes as notifications
from api.web.report import picture as report_picture
from api.web.report import routes as report
from api.web.reports import routes as reports
from api.web.samples import routes as samples
from api.web.schedule import condition as schedule_condition
from api.web.schedule import confirm as schedule_confirm
from api.web.schedule import routes as schedule
from api.web.schedules import bulk as schedules_bulk
from api.web.schedules import routes as schedules
from api.web.settings import routes as settings
from api.web.teams import routes as teams
from api.web.templates import routes as templates
from api.web.users import leaving as users_leaving
from api.web.users import routes as users
from api.web.wizard import edit
from api.web.wizard import routes as wizard
from api.web.wizard.choosing import edited
from api.web.wizard.destinations import routes as destinations
from api.web.wizard.parameters import routes as parameters
from api.web.wizard.steps import frequency, review
from api.web.wizard.steps import report as report_step

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    closing.router,
    as_code.router,
    login.router,
    wizard.router,  # Before the page of a schedule: "new" is no schedule's id.
    report_step.router,
    frequency.router,
    parameters.router,
    destinations.router,
    review.router,
    edit.router,
    edited.router,
    templates.router,
    me.router,
    me_alerts.router,
    notifications.router,
    monitoring.router,
    settings.router,
    audit.router,
    users_leaving.router,
    users.router,
    teams.router,
    keys.router,
    executions.router,
    execution_asking.router,
    execution.router,
    downloads.router,
    unsubscribe.router,
    stop_mails.router,
    samples.router,
    # Before the page of one schedule: /schedules/bulk is not a schedule's id.
    schedules.router,
    schedules_bulk.router,
    schedule_confirm.router,
    schedule_condition.router,
    schedule.router,
    connections.router,
    # /connections/new is no name.
    connection_edit.router,
    connection_choosing.router,
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
