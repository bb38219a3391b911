"""The operator's list of the programs that commands may start.

`MAILROOM_COMMAND_ALLOW` lists absolute paths, separated by commas or blanks: `/opt/reports/to-archive /usr/bin/lp`.
Without it no command runs. It stands in the environment, never on a block: whoever may edit a connection could
otherwise run anything on the workers.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from prefect_mailroom.errors import ConfigurationError

VARIABLE = "MAILROOM_COMMAND_ALLOW"


def allowed_programs() -> frozenset[str]:
    """Return the operator's list as it stands in the environment now.

    Raises:
        ConfigurationError: an entry is no absolute path.
    """
    entries = [entry for entry in re.split(r"[\s,]+", os.environ.get(VARIABLE, "")) if entry]
    for entry in entries:
        if not Path(entry).is_absolute():
            raise ConfigurationError(
                f"{VARIABLE} has the entry '{entry[:100]}', which is no absolute path.",
                remedy="Write absolute paths of programs, separated by commas or blanks.",
                field=VARIABLE,
            )
    return frozenset(entries)


def permit(program: str) -> None:
    """Let a program pass that the operator allows.

    Raises:
        ConfigurationError: the operator does not allow it.
    """
    if program not in allowed_programs():
        raise ConfigurationError(
            f"The program '{program[:200]}' may not be started here.",
            remedy=f"The operator can allow it: {VARIABLE} lists the absolute paths of the programs that may run.",
            field="program",
        )
