"""The words for what servers for files answer, so that every protocol says the same about the same fault.

Which answer of a server is which fault is known by the folder of each protocol.
"""

from __future__ import annotations

from prefect_mailroom.errors import ConfigurationError, Refused, RetryLater


def not_permitted(where: str, path: str) -> ConfigurationError:
    """Return the error for a path that the login may not read or write."""
    return ConfigurationError(
        f"{where} does not permit the login to use '{path}'.",
        remedy="Give the login the right to write, rename and remove files there, or choose another path.",
        field="path",
    )


def no_folder(where: str, path: str, *, field: str = "path") -> ConfigurationError:
    """Return the error for a folder that is missing."""
    return ConfigurationError(
        f"{where} has no folder '{path}'.",
        remedy="Make the folder there, correct the path, or set make_folders for folders of the path.",
        field=field,
    )


def not_a_file(where: str, path: str) -> ConfigurationError:
    """Return the error for a name that a folder or something else has, which no file can replace."""
    return ConfigurationError(
        f"'{path}' on {where} is a folder, not a file.", remedy="Choose another path.", field="path"
    )


def leads_out(where: str, path: str) -> ConfigurationError:
    """Return the error for a folder that a link on the server leads out of the connection's folder."""
    return ConfigurationError(
        f"'{path}' on {where} leads out of the connection's folder by a symbolic link.",
        remedy="Choose another path, or a connection whose folder is where the link leads to.",
        field="path",
    )


def no_space(where: str, path: str) -> RetryLater:
    """Return the error for a disk or a quota that the server says is full."""
    return RetryLater(
        f"{where} has no space left for '{path}'.",
        remedy="Free some space there, or raise the login's quota. The delivery will be tried again.",
    )


def failed(where: str, path: str, said: str = "") -> RetryLater:
    """Return the error for a request that failed without a reason that we know."""
    words = f": {said}" if said else ""
    return RetryLater(
        f"{where} could not write '{path}'{words}.",
        remedy="The disk or the login's quota there is probably full. The delivery will be tried again.",
    )


def is_cut(where: str, path: str, found: int | None, size: int) -> RetryLater:
    """Return the error for a file whose size on the server is not the size of what was sent."""
    return RetryLater(
        f"{where} holds {found or 0:,} of {size:,} bytes of '{path}'.",
        remedy="The disk or the login's quota there is probably full. The delivery will be tried again.",
    )


def exists(path: str) -> Refused:
    """Return the error for a file that is there with other content and may not be replaced."""
    return Refused(
        f"'{path}' exists with other content.",
        remedy="Choose if_exists: overwrite or timestamp, or add {date} to the path.",
    )


def all_names_taken(path: str) -> Refused:
    """Return the error for a path of which all variants are taken."""
    return Refused(
        f"'{path}' and a hundred numbered variants of it exist already.",
        remedy="Add {due} or {execution_id} to the path.",
    )
