"""List the routers of all pages, in the order in which they are asked."""

from __future__ import annotations

from fastapi import APIRouter

from api.web import closing
from api.web.account import routes as account
from api.web.assets import serving as assets
from api.web.links import downloads, unsubscribe
from api.web.login import routes as login
from api.web.templates import routes as templates
from api.web.wizard import edit, edit_conflict
from api.web.wizard import routes as wizard
from api.web.wizard.destinations import routes as destinations
from api.web.wizard.parameters import routes as parameters
from api.web.wizard.steps import frequency, report, review

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    closing.router,
    login.router,
    account.router,
    wizard.router,  # Before the page of a schedule: "new" is no schedule's id.
    report.router,
    frequency.router,
    parameters.router,
    destinations.router,
    review.router,
    edit.router,
    edit_conflict.router,
    templates.router,
    downloads.router,
    unsubscribe.router,
)
