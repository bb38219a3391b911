"""Decide what the bad servers do. Pure: it counts, and knows recipients by the number in their name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

CUT_EVERY, GREYLIST_EVERY, HANG_EVERY, REFUSE_EVERY, TURN_AWAY_EVERY = 7, 5, 9, 11, 13
DOMAIN, FILE, HOOK, OBJECT, BUCKET = "troubled.example", ".csv", ".hook", ".stored", "troubled"
STORES = ("s3", "azure", "gcs")


def address(number: int) -> str:
    """Return the address of a recipient; they are counted from 1."""
    return f"r{number}@{DOMAIN}"


def file_name(number: int) -> str:
    """Return the file that a schedule writes; they are counted from 1."""
    return f"r{number}{FILE}"


def object_name(number: int) -> str:
    """Return the object that a schedule stores; they are counted from 1."""
    return f"r{number}{OBJECT}"


def store_of(number: int) -> str:
    """Return the kind of store that a schedule stores its object in: they take turns."""
    return STORES[number % len(STORES)]


def hook(number: int) -> str:
    """Return what the checker calls the endpoint of a schedule's webhook; they are counted from 1."""
    return f"r{number}{HOOK}"


def is_refused(recipient: str) -> bool:
    """Tell whether the server refuses this recipient for good. Files are not refused: no answer of SFTP says so."""
    return not recipient.endswith(FILE) and number_of(recipient) % REFUSE_EVERY == 0


def ends_when_refused(recipient: str) -> str:
    """Return the state of a delivery that is refused: a store refuses the credential, which is a fault to be mended."""
    return "failed" if recipient.endswith(OBJECT) else "refused"


def number_of(recipient: str) -> int:
    """Return the number of a recipient."""
    found = re.match(r"r(\d+)\D", recipient)
    if found is None:
        raise ValueError(f"'{recipient}' is no recipient of the scenario.")
    return int(found[1])


@dataclass
class Script:
    """Decide what the server does next.

    Attributes:
        owed: cuts that have not been made yet.
        merciful: whether a recipient is troubled once at most. A connection is then turned away only when it has named
            its recipient.
    """

    merciful: bool = False
    connections: int = 0
    uploads: int = 0
    dots: int = 0
    owed: int = 0
    troubled: set[str] = field(default_factory=set)
    greylisted: set[str] = field(default_factory=set)

    def turns_away(self) -> bool:
        """Count a connection, and tell whether it is answered with 421."""
        self.connections += 1
        return self.connections % TURN_AWAY_EVERY == 0

    def hangs(self, recipient: str) -> bool:
        """Count an upload, and tell whether nobody answers it."""
        self.uploads += 1
        return self.uploads % HANG_EVERY == 0 and self.may_trouble(recipient)

    def greylists(self, recipient: str) -> bool:
        """Tell whether the recipient is put off: every fifth one, at its first try."""
        if number_of(recipient) % GREYLIST_EVERY or recipient in self.greylisted:
            return False
        self.greylisted.add(recipient)
        return self.may_trouble(recipient)

    def cuts(self, recipient: str) -> bool:
        """Count the final dot of a mail that was taken, and tell whether the connection is cut before the answer.

        Where the recipient of a seventh one is spared, the next one that need not be is cut.
        """
        self.dots += 1
        self.owed += self.dots % CUT_EVERY == 0
        if not self.owed or not self.may_trouble(recipient):
            return False
        self.owed -= 1
        return True

    def may_trouble(self, recipient: str) -> bool:
        """Tell whether the recipient may be troubled, and remember that it was."""
        spared = self.merciful and recipient in self.troubled
        self.troubled.add(recipient)
        return not spared
