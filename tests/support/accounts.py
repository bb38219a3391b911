"""A test's server runs as this account, or as nobody where the tests run as root and the server will not."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def unprivileged() -> str:
    """Return the name of the account that a server runs as."""
    return "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


@contextmanager
def short_folder() -> Iterator[Path]:
    """Make a folder of that account with a short path: the sockets in it may have names of 108 bytes at most."""
    folder = Path(tempfile.mkdtemp(prefix="m-", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(folder, unprivileged())
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
