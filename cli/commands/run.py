"""`mailroom run`: short for `mailroom schedules run`."""

from cli.commands.schedules.commands import run

__all__ = ["run"]
