"""Somebody who reads the page in a clone, and types what it says into a terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mailroom.settings import CHECKOUT
from tests.acceptance.deploy.page import Step, steps_of

PAGE = CHECKOUT / "docs" / "prefect-deploy.md"
_SECONDS = 240
"""No command of the page takes that long; one that does asks something."""
_STAYS = ("prefect server start", "prefect worker start")


class Reader:
    """Types one section after the other. What commands export, and where they go, stays for the next ones.

    Args:
        clone: where the page's reader begins.
        environment: what the reader's account has set.
        instead: what of the page's text is something else here, such as the port of the server.
    """

    def __init__(self, clone: Path, environment: Mapping[str, str], instead: Mapping[str, str]) -> None:
        self.here, self.environment, self._instead = clone, dict(environment), instead
        self.left = list(steps_of(PAGE.read_text()))
        self.running: list[subprocess.Popen[bytes]] = []
        self.logs: list[Path] = []
        self._screen, self._keyboard = pty.openpty()

    def type(self, section: str) -> str:
        """Type every command and write every file of the next section; return what was shown."""
        shown = ""
        mine = [step for step in self.left if step.section == section]
        assert mine == self.left[: len(mine)], f"The page has another order than the test: {section}"
        assert mine, section
        for step in mine:
            self.left.remove(step)
            shown += self._do(step)
        return shown

    def _do(self, step: Step) -> str:
        text = step.text
        for old, new in self._instead.items():
            text = text.replace(old, new)
        if step.file:
            file = self.here / step.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            return ""
        assert step.language == "bash", f"Nobody knows what to do with this: {step}"
        if text.startswith(_STAYS):
            self._start(text)
            return ""
        return self._run(text)

    def _start(self, command: str) -> None:
        """Leave a server or a worker running in a terminal of its own."""
        log = self.here / f"terminal-{len(self.running)}.log"
        self.logs.append(log)
        with log.open("wb") as output:
            one = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self.here,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running.append(one)

    def _run(self, commands: str) -> str:
        """Run commands in a terminal, so that whatever would ask a question does ask, and waits for ever."""
        kept = self.here / ".terminal"
        script = f"set -eu\n{commands}\n{{ pwd; env -0; }} > {kept}\n"
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.here,
            env=self.environment,
            stdin=self._keyboard,
            stdout=self._keyboard,
            stderr=self._keyboard,
            start_new_session=True,
        )
        shown = _read(self._screen, process, time.monotonic() + _SECONDS)
        told = f"{commands}\n{shown[-6000:]}\n{self.told()}"
        assert process.poll() is not None, f"It asks something, or does not end:\n{told}"
        assert process.returncode == 0, f"Exit status {process.returncode}:\n{told}"
        where, _, variables = kept.read_text().partition("\n")
        kept.unlink()
        self.here = Path(where)
        self.environment = dict(one.split("=", 1) for one in variables.split("\0") if one)
        return shown

    def told(self) -> str:
        """Return the last lines of what runs in other terminals."""
        return "\n".join(log.read_text(errors="replace")[-3000:] for log in self.logs)

    def close(self) -> None:
        """Stop everything that runs as Ctrl-C does: the workers together, and then the server."""
        for together in (self.running[1:], self.running[:1]):
            for one in together:
                with suppress(ProcessLookupError):
                    os.killpg(one.pid, signal.SIGINT)
            for one in together:
                with suppress(subprocess.TimeoutExpired):
                    one.wait(20)
                with suppress(ProcessLookupError):
                    os.killpg(one.pid, signal.SIGKILL)
                one.wait()
        os.close(self._screen)
        os.close(self._keyboard)


def _read(terminal: int, process: subprocess.Popen[bytes], deadline: float) -> str:
    """Return what is shown until the process has ended; kill it at the deadline, and leave its status open."""
    shown = b""
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if ready:
            shown += os.read(terminal, 65536)
        elif process.poll() is not None:
            break
    else:
        os.killpg(process.pid, signal.SIGKILL)
    return shown.decode(errors="replace")


def environment_of(home: Path, **settings: str) -> dict[str, str]:
    """Return the environment of an account that has just entered the environment of its clone."""
    own, scratch = Path.home(), home / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    found = {
        "HOME": str(home),
        # Prefect's process worker wants /tmp/runner_storage for itself, which another account may have made.
        "TMPDIR": str(scratch),
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "TERM": "xterm",
        "LANG": "C.UTF-8",
        # What uv has fetched for the account that runs the tests is not fetched again.
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(own / ".cache" / "uv")),
        "UV_LINK_MODE": "copy",
        # `make` has everything compiled, which takes far longer than to install it; few of the modules are imported.
        "UV_COMPILE_BYTECODE": "0",
    }
    configured = Path(os.environ.get("XDG_CONFIG_HOME", own / ".config")) / "uv" / "uv.toml"
    if configured.exists():
        found["UV_CONFIG_FILE"] = str(configured)
    kept = ("UV_", "PIP_", "SSL_", "HTTP", "http", "https", "NO_PROXY", "no_proxy", "TZ")
    return {k: v for k, v in os.environ.items() if k.startswith(kept)} | found | settings
