"""Name what can go wrong between a rendered file and its reader, as types: retryability is a type, never a flag.

    MailroomError
    ├── ConfigurationError               the set-up is wrong; a person must change it, trying again cannot help
    │   └── TargetForbidden                the guard of what leaves lets nothing go there
    ├── SourceError                      the data could not be had
    │   ├── SourceUnavailable (Retryable)  the source did not answer or was too busy
    │   └── SourceRefused                  the source says no to this query or request, for good
    └── DeliveryError                    the far side did not confirm
        ├── RetryLater (Retryable)         nothing was accepted
        ├── Withdrawn                      our own side took it back at the last moment; nothing has left
        ├── Refused                        it said no for good: an unknown recipient, a forbidden path
        │   └── Gone                         it is gone for good: its connection is not to be used any more
        └── OutcomeUnknown (Retryable)     the far side may have it: neither success nor failure; a retry keeps the key

What is `Retryable` is tried again, not before its `not_before` seconds have passed; nothing else is.
Every error says what was wrong (`str(error)`), and what to do (`remedy`). No message may hold a secret.
"""

from __future__ import annotations


class MailroomError(Exception):
    """Base of every error that Mailroom raises on purpose.

    Args:
        message: what was wrong and where, for the person who reads it.
        remedy: what to do about it.
        code: the name of the case, where a page has other words for the remedy than a program or an operator.
    """

    def __init__(self, message: str, *, remedy: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class Retryable:
    """Mixin of the errors after which another try may succeed.

    Attributes:
        not_before: seconds to wait at least, where the far side asked for it.
    """

    not_before: float | None = None


class ConfigurationError(MailroomError):
    """A connection, a destination or a setting is wrong; never retried.

    Args:
        field: the dotted name of the setting at fault, where one is.
    """

    def __init__(self, message: str, *, remedy: str = "", field: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.field = field


class TargetForbidden(ConfigurationError):
    """The host, or the database, may not be reached from here; nothing was sent."""


class SourceError(MailroomError):
    """A report's data could not be had."""


class SourceUnavailable(Retryable, SourceError):
    """The source did not answer or was too busy: trying again later may help."""


class SourceRefused(SourceError):
    """The source refuses this query or request for good: it is wrong, forbidden, or over a limit."""


class DeliveryError(MailroomError):
    """The far side did not confirm a delivery."""


class RetryLater(Retryable, DeliveryError):
    """Nothing was accepted; a later try may succeed.

    Args:
        not_before: seconds that the far side asked us to wait (Retry-After, a greylisting hint), if it did.
        of_recipient: whether only this recipient has to wait (greylisting, a full mailbox): the connection works.
    """

    def __init__(
        self, message: str, *, remedy: str = "", not_before: float | None = None, of_recipient: bool = False
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.not_before, self.of_recipient = not_before, of_recipient


class Withdrawn(DeliveryError):
    """Our own side took the parcel back before its content left; the far side has nothing of it."""


class Refused(DeliveryError):
    """The far side refused for good; the same parcel will never be taken."""


class Gone(Refused):
    """The far side is gone for good (HTTP 410): nothing is sent through its connection until a person changes it."""


class OutcomeUnknown(Retryable, DeliveryError):
    """The parcel left and no answer came back: the far side may or may not have it."""
