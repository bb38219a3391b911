"""Shows the progress of `up`: what is starting and for how long, then the lines that matter."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text


def printable(text: str) -> str:
    """Return the text without control characters, so that a name or a log line cannot steer the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


class Display:
    """Lines and progress on one console, safe to use from several tasks."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    @contextmanager
    def starting(self, name: str) -> Iterator[None]:
        """Show that something is under way, and how long it took."""
        began = time.monotonic()
        if not self._tasks:
            self._progress.start()
        task = self._tasks[name] = self._progress.add_task(f"starting {name}")
        try:
            yield
            self.line(name, f"ready after {time.monotonic() - began:.1f} s")
        finally:
            self._progress.remove_task(task)
            del self._tasks[name]
            if not self._tasks:
                self._progress.stop()

    def line(self, name: str, text: str) -> None:
        """Print one line, said by or about a service."""
        shown = Text(f"{name:>8}  ", style="cyan")
        shown.append(printable(text), style="not bold default")
        self._console.print(shown, soft_wrap=True, highlight=False)
