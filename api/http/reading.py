"""Read a body as a model, and name its faults in the domain's words."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mailroom.errors import Invalid

Model = TypeVar("Model", bound=BaseModel)


def read(model: type[Model], body: dict[str, Any]) -> Model:
    """Return the body as the model.

    Raises:
        Invalid: naming every wrong field.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise Invalid.from_validation(error, model=model) from error
