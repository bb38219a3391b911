"""Choose the buttons of a schedule's page by its state and by what the visitor may do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.actions.schedules.views import ScheduleView
from api.web.parts import Button, Link, Menu
from api.web.schedule.rights import Rights
from mailroom.states import ScheduleState

_FROM_PAUSE = {ScheduleState.PAUSED, ScheduleState.SUSPENDED}


@dataclass(frozen=True, slots=True)
class Actions:
    """Hold what the visitor can do: the buttons beside the name, and the menu behind them; None where it would be
    empty."""

    buttons: tuple[Link | Button, ...] = ()
    menu: Menu | None = None


def actions_of(view: ScheduleView, rights: Rights, *, newest: str) -> Actions:
    """Return the buttons of a schedule.

    Args:
        newest: the id of its newest run; with it, the key of a test is another one once the test is there.
    """
    if view.state is ScheduleState.DELETED:
        return Actions()
    here = f"/schedules/{view.id}"
    buttons: list[Link | Button] = []
    if rights.change:
        buttons.append(Link(f"{here}/edit", "Edit", icon="pencil"))
    if rights.pause and view.state is ScheduleState.ACTIVE:
        buttons.append(Button(f"{here}/pause", "Pause", of(view, "pause"), "pause"))
    if rights.resume and view.state in _FROM_PAUSE:
        buttons.append(Button(f"{here}/resume", "Resume", of(view, "resume"), "play", "primary"))
    if rights.test:
        once = {"once": f"test-{view.id}-{view.etag}-{newest}"}
        buttons.append(Button(f"{here}/test", "Send a test to me", once, "send"))
    if rights.run and view.state is ScheduleState.ACTIVE:
        buttons.append(Link(f"{here}/run", "Run now", icon="play"))
    return Actions(tuple(buttons), _menu(view, rights, here))


def _menu(view: ScheduleView, rights: Rights, here: str) -> Menu | None:
    items: list[Link | Button] = []
    if rights.create:
        items.append(Link(f"/schedules/new?from={view.id}", "Duplicate", icon="copy"))
        items.append(Link(f"/templates/new?schedule={view.id}", "Save as template", icon="bookmark"))
        items.append(Link(f"{here}/code", "View as code", icon="square-terminal"))
    if rights.reassign:
        items.append(Link(f"{here}/reassign", "Reassign", icon="users"))
    if rights.backfill and view.state is ScheduleState.ACTIVE:
        items.append(Link(f"{here}/backfill", "Backfill", icon="history"))
    if prefect := view.links.get("prefect"):
        items.append(Link(prefect, "Open in Prefect", icon="external-link"))
    if rights.delete:
        items.append(Button(f"{here}/delete", "Delete", of(view, "delete"), "trash-2", "bad"))
    return Menu(f"more-{view.id}", "More actions", tuple(items)) if items else None


def of(view: ScheduleView, doing: str) -> Mapping[str, str]:
    """Return what the form of a quick action carries: the version that it is based on, and the key of a repeat.

    The key names the schedule: versions are counted for each, so two schedules have the same.
    """
    return {"etag": view.etag, "once": f"{doing}-{view.id}-{view.etag}"}
