"""A reader who follows a page of the documentation to the letter, in a folder that looks like a fresh clone."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path

from tests.support.docs.steps import Shown, Typed, Written, steps
from tests.support.waiting import eventually_sync

_UP = "Press Ctrl-C"
"""What a program prints that keeps running, once it is up."""
_DONE = "--- the commands have ended with"


class Reader:
    """Follows pages. What several blocks set in their shell stays, as in one terminal.

    Args:
        folder: where the reader works; it is filled with links to what is in the checkout.
        environment: what the reader's terminals have besides PATH and HOME.
        replaced: words of the page that cannot hold here, such as a port, and what stands in their place.
    """

    def __init__(
        self, folder: Path, checkout: Path, environment: Mapping[str, str], replaced: Mapping[str, str]
    ) -> None:
        self.folder, self.replaced = folder, replaced
        self.printed, self.transcript = "", ""
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **environment}
        for one in checkout.iterdir():
            if one.name not in {".mailroom", ".git"}:
                (folder / one.name).symlink_to(one)

    def follow(self, *pages: str) -> None:
        """Do all that these pages say, one after the other, and see that what they show was printed."""
        with ExitStack() as running, self._terminal() as terminal:
            for step in chain.from_iterable(map(steps, pages)):
                match step:
                    case Written(path, text):
                        target = self.folder / path
                        target.parent.mkdir(parents=True, exist_ok=True)
                        target.write_text(self._as_here(text))
                    case Typed(text, keeps_running=True):
                        running.enter_context(self._background(text))
                    case Typed(text):
                        self._type(terminal, text)
                    case Shown(lines):
                        for line in lines:
                            assert line in self.printed, f"{line!r} was not printed:\n{self.printed}"
                        self.printed = ""

    def _as_here(self, text: str) -> str:
        for word, other in self.replaced.items():
            text = text.replace(word, other)
        return text

    @contextmanager
    def _terminal(self) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            ["/bin/bash", "-s"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        ) as terminal:
            try:
                yield terminal
            finally:
                terminal.kill()

    def _type(self, terminal: subprocess.Popen[str], text: str) -> None:
        """Type a block. A command in it that fails fails the page, unless the page itself says what happens then."""
        text = self._as_here(text)
        assert terminal.stdin
        assert terminal.stdout
        terminal.stdin.write(f"set -eE; trap 'echo \"{_DONE} $?\"; exit' ERR\n{text}\nset +e; echo '{_DONE} 0'\n")
        terminal.stdin.flush()
        printed: list[str] = []
        for line in terminal.stdout:
            if line.startswith(_DONE):
                self.printed += "".join(printed)
                self.transcript += "".join(printed)
                assert line.split()[-1] == "0", f"{text}\nfailed:\n{''.join(printed)}"
                return
            printed.append(line)
        raise AssertionError(f"{text}\nended the shell:\n{''.join(printed)}")

    @contextmanager
    def _background(self, text: str) -> Iterator[None]:
        log = self.folder / "background.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["/bin/bash", "-c", f"exec {text.strip()}"],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                eventually_sync(lambda: _UP in log.read_text(), 240, lambda: f"It does not start:\n{log.read_text()}")
                yield
            finally:
                # As Ctrl-C does: to everything that the terminal runs.
                os.killpg(process.pid, signal.SIGINT)
                ended = process.wait(60)
        # `make` itself ends with 2 where the reader broke it off.
        assert ended in (0, 2, -signal.SIGINT), log.read_text()
