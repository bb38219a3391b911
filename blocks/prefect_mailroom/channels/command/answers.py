"""Translate the end of a program: the one place where exit codes become outcomes. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import PurePath
from signal import Signals

from prefect_mailroom.channels.base import Grade, Parcel, Receipt
from prefect_mailroom.errors import OutcomeUnknown, Refused, RetryLater
from prefect_mailroom.programs.running import Ended

TEMPORARY = 75
"""EX_TEMPFAIL of sysexits.h: a failure that another try may not have."""
_ID = re.compile(r"[\x21-\x7e]{1,200}")


def receipt(parcel: Parcel, ended: Ended, program: str, retried: Collection[int]) -> Receipt:
    """Return the receipt of a program that ended well.

    Args:
        retried: the exit codes after which another try may succeed.

    Raises:
        RetryLater: it ended with one of these.
        Refused: it ended with any other code but 0.
        OutcomeUnknown: something ended it, so it may have done its work.
    """
    name = PurePath(program).name
    said = ended.err or ended.out
    told = f" Its last output:\n{said}" if said else ""
    if ended.exit_code is None or ended.exit_code < 0:
        how = "its time was up" if ended.exit_code is None else f"it was ended by {_signal(-ended.exit_code)}"
        raise OutcomeUnknown(
            f"'{name}' may have done its work or not: {how}.",
            remedy="The delivery will be tried again under the same MAILROOM_DELIVERY_KEY. If the program is slow, "
            f"raise the connection's timeout or limits.{told}",
        )
    if ended.exit_code in retried:
        raise RetryLater(f"'{name}' asks to try again later: exit code {ended.exit_code}.", remedy=told.strip())
    if ended.exit_code != 0:
        raise Refused(f"'{name}' failed with exit code {ended.exit_code}.", remedy=f"Run it by hand to see why.{told}")
    given = _id_of(ended.out)
    files = [{"file": file.filename, "bytes": file.size, "sha256": file.sha256} for file in parcel.files]
    return Receipt(
        reference=given or parcel.key,
        grade=Grade.ACCEPTED_WITH_ID if given else Grade.ACCEPTED,
        detail={"program": name, "exit_code": 0, "files": files, "output": ended.out or ended.err},
    )


def _id_of(printed: str) -> str:
    """Return the id that a program gave by a last line such as `{"id": "4711"}`; '' where it gave none."""
    last = printed.rstrip().rpartition("\n")[2]
    try:
        told = json.loads(last)
    except (ValueError, RecursionError):
        return ""
    given = told.get("id") if isinstance(told, dict) else None
    if isinstance(given, bool) or not isinstance(given, str | int):
        return ""
    return str(given) if _ID.fullmatch(str(given)) else ""


def _signal(number: int) -> str:
    return next((str(one.name) for one in Signals if one == number), f"signal {number}")
