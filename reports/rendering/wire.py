"""Results and errors on their way between a renderer process and its parent, as JSON. Errors keep their type."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from prefect_mailroom.errors import ConfigurationError, MailroomError, SourceRefused, SourceUnavailable
from reports.rendering.errors import LimitExceeded, RenderFailed, as_placed
from reports.rendering.job import RenderResult

TYPES: dict[str, type[MailroomError]] = {
    kind.__name__: kind for kind in (ConfigurationError, SourceUnavailable, SourceRefused, RenderFailed, LimitExceeded)
}
_MORE = ("field", "limit", "report", "section")


class Answer(BaseModel):
    """What a renderer process says: a result, or an error as {"type", "message", "remedy", …}."""

    result: RenderResult | None = None
    error: dict[str, Any] | None = None

    def unwrap(self) -> RenderResult:
        """The result.

        Raises:
            ConfigurationError, SourceUnavailable, SourceRefused, RenderFailed, LimitExceeded: what the process raised.
        """
        if self.error is not None:
            details = dict(self.error)
            raise as_placed(TYPES[details.pop("type")](details.pop("message"), **details))
        assert self.result is not None  # Either is always there.
        return self.result


def failed(error: MailroomError) -> Answer:
    """The answer that carries an error."""
    kind = next(kind for kind in type(error).__mro__ if kind.__name__ in TYPES)
    details = {name: getattr(error, name) for name in _MORE if hasattr(error, name)}
    return Answer(error={"type": kind.__name__, "message": error.message, "remedy": error.remedy, **details})
