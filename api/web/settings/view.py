"""Make the page Settings. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.actions.alerts.views import AlertTestView
from api.web.parts import Chip
from api.web.refusals import for_pages
from api.web.settings.health import Part, parts_of
from api.web.settings.limits import HEADS, LimitRow, limits_of, rows_of
from api.web.settings.rules import Group, groups_of
from api.web.when import When
from mailroom.limits.decide import limits_for
from mailroom.notifications.kinds import Route
from mailroom.schedules.limits.beyond import Beyond
from mailroom.settings import Settings
from mailroom.storage.tables import User
from mailroom.watching.checks.spec import Check

_ROUTES = {Route.MAIL: "By mail", Route.WEBHOOK: "By signed request", Route.IN_APP: "Within Mailroom"}
_SENT, _FAILED = Chip("Sent", "circle-check", "ok"), Chip("Failed", "circle-x", "bad")


@dataclass(frozen=True, slots=True)
class Tried:
    """The result of the test of a route."""

    route: str
    to: str
    chip: Chip
    told: str


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """The page. Without `whole` it has only the visitor's own limits, and says who sets them."""

    whole: bool
    contact: str
    heads: tuple[str, ...]
    limits: tuple[LimitRow, ...]
    groups: tuple[Group, ...] = ()
    parts: tuple[Part, ...] = ()
    tried: tuple[Tried, ...] = ()


def whole_page(
    settings: Settings,
    checks: Sequence[Check],
    when: When,
    *,
    beyond: Sequence[Beyond] = (),
    tested: AlertTestView | None = None,
) -> SettingsPage:
    """Return the page of those who see everything.

    Args:
        beyond: who has more than a limit allows.
        tested: how a test of the alerts ended.
    """
    return SettingsPage(
        whole=True,
        contact=settings.limits.contact,
        heads=HEADS,
        limits=limits_of(settings, beyond),
        groups=groups_of(settings),
        parts=parts_of(checks, when),
        tried=_tried(tested) if tested else (),
    )


def own_page(settings: Settings, user: User) -> SettingsPage:
    """Return the page of everybody else: the own limits."""
    own = limits_for(user, settings)
    return SettingsPage(whole=False, contact=own.contact, heads=("Yours",), limits=rows_of([own]))


def _tried(tested: AlertTestView) -> tuple[Tried, ...]:
    return tuple(
        Tried(
            _ROUTES[one.route],
            # Within Mailroom the target is an id, and of a request it is a fixed word.
            {Route.MAIL: one.target, Route.WEBHOOK: "The operators", Route.IN_APP: "You"}[one.route],
            _SENT if one.ok else _FAILED,
            for_pages(one.message) or "Whoever runs Mailroom has to correct its settings.",
        )
        for one in tested.routes
    )
