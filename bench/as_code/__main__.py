"""Apply 5,000 schedules by the command line to a whole system: `python -m bench.as_code [count]`.

Prints JSON of the first apply, of a second one that changes nothing, of one that changes 1 in 100, of a diff and of an
export: seconds, CPU seconds and MiB of the command (at most) and of the API (at the end of the step).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from embedded.ports import free_ports

_READY_WITHIN = 180.0
_OUT = Path(__file__).parents[1] / "out" / "as_code.json"
_PORTS = ("MAILROOM_API_PORT", "MAILROOM_PREFECT_PORT", "MAILROOM_MAIL_WEB_PORT", "MAILROOM_MAIL_SMTP_PORT")


def _documents(folder: Path, count: int, *, later: int = 0) -> None:
    """Write a calendar, and so many schedules of the sample catalog; every `later`-th is due an hour later."""
    (folder / "calendars").mkdir(parents=True, exist_ok=True)
    (folder / "schedules").mkdir(exist_ok=True)
    head = "apiVersion: mailroom/v1\nkind: "
    office = f"{head}calendar\nname: bench-office\nspec: {{title: Bench, country: DE}}\n"
    (folder / "calendars" / "bench-office.yaml").write_text(office)
    for number in range(count):
        hour = 7 if later and number % later == 0 else 6
        (folder / "schedules" / f"bench-{number:05}.yaml").write_text(
            f"{head}schedule\nname: bench-{number:05}\nspec:\n"
            f"  name: Bench {number:05}\n  report_id: delay-list\n"
            f"  timing: {{frequency: weekly, days: [mon], at: '0{hour}:{number % 60:02}', timezone: Europe/Berlin, "
            "calendar: bench-office, on_holiday: next}\n"
            f"  formats: [csv]\n  destinations:\n    - channel: folder\n      connection: local-folder\n"
            f"      path: bench/{number:05}/{{date}}.{{ext}}\n"
        )


def main(count: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        ports = dict(zip(_PORTS, map(str, free_ports("127.0.0.1", len(_PORTS))), strict=True))
        env = {**os.environ, **ports, "MAILROOM_DATA_DIR": str(root / "data")}
        mailroom = [str(Path(sys.executable).parent / "mailroom")]
        with (root / "up.log").open("w") as log:
            system = subprocess.Popen([*mailroom, "up"], env=env, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait_until_ready(ports["MAILROOM_API_PORT"], root / "up.log", system)
            found = json.dumps(_measured(mailroom, env, root, count, _api_of(system.pid)), indent=2)
            _OUT.parent.mkdir(exist_ok=True)
            _OUT.write_text(found + "\n")
            print(found)
        finally:
            system.terminate()
            system.wait(60)


def _wait_until_ready(port: str, log: Path, system: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _READY_WITHIN
    while time.monotonic() < until and system.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(1)
    raise SystemExit(f"Mailroom did not start:\n{log.read_text()[-2000:]}")


def _api_of(system: int) -> psutil.Process:
    children = psutil.Process(system).children(recursive=True)
    return next(one for one in children if "api.app:create_app" in one.cmdline())


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _measured(
    mailroom: list[str], env: dict[str, str], root: Path, count: int, api: psutil.Process
) -> dict[str, object]:
    folder, said = root / "code", root / "said.log"
    found: dict[str, object] = {"schedules": count}

    def run(name: str, *arguments: str) -> None:
        began, before = time.monotonic(), _cpu(api)
        with said.open("w") as log:
            command = subprocess.Popen([*mailroom, *arguments], env=env, stdout=log, stderr=subprocess.STDOUT)
            _, status, used = os.wait4(command.pid, 0)
        command.returncode = os.waitstatus_to_exitcode(status)
        found[name] = {
            "s": round(time.monotonic() - began, 2),
            "cpu_s": round(used.ru_utime + used.ru_stime, 2),
            "api_cpu_s": round(_cpu(api) - before, 2),
            "mib": used.ru_maxrss // 1024,
            "api_mib": api.memory_info().rss // 2**20,
            "said": said.read_text().splitlines()[-1][:500],
        }

    _documents(folder, count)
    run("first", "apply", "-f", str(folder), "--bundle", "bench")
    run("second", "apply", "-f", str(folder), "--bundle", "bench")
    run("diff", "diff", "-f", str(folder), "--bundle", "bench")
    _documents(folder, count, later=100)
    run("one_percent", "apply", "-f", str(folder), "--bundle", "bench", "--prune")
    run("export", "export", str(root / "exported"), "--bundle", "bench")
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
