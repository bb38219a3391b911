"""Find the programs of real servers, and say what to install where one is missing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

# Debian keeps servers where an ordinary account does not look.
_ALSO = "/usr/local/sbin:/usr/sbin:/sbin"


def needs(program: str, package: str) -> Path:
    """Return where a program is. Without it the test is skipped; in CI, which installs them all, it fails.

    Args:
        package: the Debian package that brings it.
    """
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:{_ALSO}")
    if found is not None:
        return Path(found)
    told = f"This test runs the real {program}: apt-get install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(told)
    pytest.skip(told)
