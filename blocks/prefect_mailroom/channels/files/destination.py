"""The settings on a schedule of every channel that writes files, whether to a folder here or to a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, field_validator

from prefect_mailroom.channels.base import Destination, IfExists, Place
from prefect_mailroom.text import variables
from prefect_mailroom.text.filenames import safe_relative_path

_TEST = "test/"


class FileDestination(Destination):
    """The path of the files below the connection's folder: a template for each file.

    A channel's own class adds `channel`, its kind.
    """

    # Shorter than a template may be, so that the path of a test, which is longer by a folder, may be one as well.
    path: str = Field(
        default="{report_slug}/{date}/{report_slug}.{ext}",
        max_length=variables.MAX_TEMPLATE - len(_TEST),
        description="The path below the connection's folder. It is a template for each file, which needs {ext} or "
        "{file_name} with several formats.",
    )
    if_exists: IfExists = Field(
        default="overwrite",
        description="What becomes of a file with other content that is there already: it is replaced, ours gets the "
        "due time in its name, or ours is refused.",
    )

    @field_validator("path")
    @classmethod
    def _path_can_be_expanded(cls, path: str) -> str:
        parameters = variables.parameter_names(path, field="path")
        variables.validate(path, extra=parameters, field="path")
        # With harmless values: what is refused now is in the template's own text.
        sample = dict.fromkeys([*variables.KNOWN, *parameters], "x")
        safe_relative_path(variables.skeleton(path, sample), field="path")
        return path

    def recipients(self) -> list[str]:
        """Return the path: all files are one delivery."""
        return [self.path]

    def templates(self) -> Mapping[str, str]:
        """Return the path."""
        return {"path": self.path}

    def places(self) -> list[Place]:
        """Return the path."""
        return [Place(self.path, self.if_exists)]

    def for_test(self, caller: str) -> Self:
        """Return the same path below `test/`, where no reader of the real files looks."""
        return self.model_copy(update={"path": f"{_TEST}{self.path}"})


class RootedFileDestination(FileDestination):
    """A path at whose beginning a slash stands for the connection's folder."""

    @field_validator("path", mode="before")
    @classmethod
    def _path_is_below_the_folder(cls, path: Any) -> Any:
        return path.removeprefix("/") if isinstance(path, str) else path
