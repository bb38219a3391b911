"""The words for what object stores answer, so that every vendor says the same about the same fault.

Which answer is which fault is known by the folder of each vendor.
"""

from __future__ import annotations

from prefect_mailroom.allow_list import VARIABLE
from prefect_mailroom.errors import ConfigurationError, Refused, RetryLater
from prefect_mailroom.text.filenames import clean_line


def no_bucket(where: str, *, field: str = "bucket") -> ConfigurationError:
    """Return the error for a bucket that is not there.

    Args:
        field: what names it in the connection.
    """
    return ConfigurationError(
        f"There is no {where}.",
        remedy="Correct the name of the bucket or container, its region or its account, or make it there.",
        field=field,
    )


def not_permitted(where: str, identity: str, what: str) -> ConfigurationError:
    """Return the error for something that the identity may not do.

    Args:
        identity: as whom we came, as `sends_as` says it.
        what: such as "write 'reports/a.pdf'".
    """
    return ConfigurationError(
        f"{where} does not permit {identity or 'this connection'} to {what}.",
        remedy="Give the identity the right to write, read and remove objects there, or use another identity.",
        field="identity",
    )


def bad_credential(where: str, identity: str, field: str) -> ConfigurationError:
    """Return the error for a key, signature or token that the store does not accept."""
    return ConfigurationError(
        f"{where} does not accept the credential of {identity or 'this connection'}.",
        remedy="Enter the key again, and look whether it was revoked or has ended, and whether this machine's clock is "
        "right.",
        field=field,
    )


def no_identity(what: str, remedy: str) -> ConfigurationError:
    """Return the error for an identity that cannot be had here."""
    return ConfigurationError(what, remedy=remedy, field="identity")


def busy(where: str, *, not_before: float | None = None) -> RetryLater:
    """Return the error for a store that asks to come back later, or does not work."""
    return RetryLater(f"{where} is too busy or does not work at the moment.", not_before=not_before)


def no_space(where: str, name: str) -> RetryLater:
    """Return the error for an account or a bucket that is full."""
    return RetryLater(
        f"{where} has no space left for '{name}'.",
        remedy="Free some space there, or raise its quota. The delivery will be tried again.",
    )


def exists(name: str) -> Refused:
    """Return the error for an object that is there, is not ours and may not be replaced."""
    return Refused(
        f"'{name}' exists, and is not of this delivery.",
        remedy="Choose if_exists: overwrite or timestamp, or add {date} to the path.",
    )


def all_names_taken(name: str) -> Refused:
    """Return the error for a path of which all variants are taken."""
    return Refused(
        f"'{name}' and a hundred numbered variants of it exist already.",
        remedy="Add {due} or {execution_id} to the path.",
    )


def differs(name: str, what: str, *, removed: bool) -> RetryLater:
    """Return the error for an object that the store holds otherwise than it was sent.

    Args:
        what: the fact that differs, such as its size.
        removed: whether it was removed again.
    """
    return RetryLater(
        f"The store holds '{name}' with another {what} than was sent{'; it was removed again' if removed else ''}.",
        remedy="The delivery will be tried again. If it always does so, ask the store's operator.",
    )


def no_preconditions(where: str) -> ConfigurationError:
    """Return the error for a store that cannot be asked to write an object once."""
    return ConfigurationError(
        f"{where} cannot be asked to write only where nothing is.",
        remedy="Switch write_once off, if no two writers use the same names there.",
        field="write_once",
    )


def untrusted(host: str) -> ConfigurationError:
    """Return the error for a host whose certificate is not trusted."""
    return ConfigurationError(
        f"'{host}' has no certificate that can be trusted.",
        remedy="Have its certificate renewed, correct the endpoint, or add its authority to ca_certificates.",
        field="endpoint",
    )


def unencrypted(host: str) -> ConfigurationError:
    """Return the error for a host that would be reached without encryption."""
    return ConfigurationError(
        f"'{clean_line(host)[:100]}' would be reached without encryption.",
        remedy=f"Use https://. Plain http:// is allowed only for hosts that the operator lists in {VARIABLE}.",
        field="endpoint",
    )


def redirects(host: str) -> ConfigurationError:
    """Return the error for an endpoint that sends requests elsewhere: no redirect is followed."""
    return ConfigurationError(
        f"'{clean_line(host)[:100]}' sends requests on to another address.",
        remedy="Enter the address of the store itself.",
        field="endpoint",
    )
