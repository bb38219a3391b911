"""Show a step within the frame of the wizard."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fastapi import Response

from api.web import forms, page
from api.web.parts import FormFault
from api.web.wizard.frame import frame
from api.web.wizard.opened import Opened
from mailroom.errors import Fault

Place = Callable[[Fault], str]
"""Returns the name of the field that a fault is about; empty for none."""


async def show(
    opened: Opened,
    template: str,
    *,
    faults: Iterable[FormFault] = (),
    part: str = "",
    **values: Any,
) -> Response:
    """Return the page of a step.

    Args:
        template: the file below `api/web`, which extends `wizard/layout.html`.
        faults: the lines of the summary on top, see `summary`.
    """
    around = frame(opened, tuple(faults))
    title = f"{'Error: ' if around.faults else ''}{around.question}"
    return await page.render(
        opened.visitor,
        template,
        title=title,
        part=part,
        status=opened.status,
        frame=around,
        opened=opened,
        **values,
    )


def summary(faults: Iterable[Fault], place: Place, say: Callable[[Fault], str] = forms.sentence) -> list[FormFault]:
    """Return the lines of the summary on top of a step, each once. Pure."""
    return list(dict.fromkeys(FormFault(place(fault), say(fault)) for fault in faults))


def errors(
    faults: Iterable[Fault], place: Place, say: Callable[[Fault], str] = forms.sentence
) -> dict[str, tuple[str, ...]]:
    """Return what is wrong by the names of the fields. Pure."""
    found: dict[str, dict[str, None]] = {}
    for fault in faults:
        found.setdefault(place(fault), {})[say(fault)] = None
    return {name: tuple(words) for name, words in found.items()}
