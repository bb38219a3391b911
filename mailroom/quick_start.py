"""`python -m mailroom.quick_start MODULE …`: what `python -m MODULE …` does, looking for garbage less often.

Python looks for garbage after each 700 new objects. A process that imports Prefect or the API makes half a million,
which all stay, and a fifth of its start went into looking at them. Hence this module comes first and imports nothing
heavy. The collector is never off, so nobody has to remember to switch it on.

The warm worker and its children keep Python's own numbers: there, memory counts for more than the first second.
"""

from __future__ import annotations

import gc
import runpy
import sys


def collect_seldom() -> None:
    """Let this process look for garbage after 50,000 new objects, and seldom at those that have been there for long."""
    gc.set_threshold(50_000, 20, 100)


def main() -> None:
    """Run the module that the first argument names, with the others as its arguments."""
    collect_seldom()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
