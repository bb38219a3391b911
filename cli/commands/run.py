"""`mailroom run`: short for `mailroom schedules run`."""

from cli.commands.schedules import run

__all__ = ["run"]
