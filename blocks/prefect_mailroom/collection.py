"""The module that Prefect imports at start (entry point `prefect.collections`): every block type, and the worker type.

`prefect block register -m prefect_mailroom` registers the same block types. A channel whose extra is not
installed has no block type here.
"""

from prefect_mailroom.channels.registry import CHANNELS
from prefect_mailroom.sources.http import HttpSource
from prefect_mailroom.sources.shell import ShellSource
from prefect_mailroom.sources.sql import SqlSource
from prefect_mailroom.worker.warm import WarmWorker

__all__ = ["HttpSource", "ShellSource", "SqlSource", "WarmWorker"]

for _entry in CHANNELS.values():
    if _entry.is_installed():
        _block = _entry.load()
        globals()[_block.__name__] = _block
        __all__.append(_block.__name__)
__all__.sort()
