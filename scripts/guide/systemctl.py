"""Stand in for systemctl where no systemd runs: start what a unit starts, as its account, with its files and variables.

`systemctl start|restart|stop|enable --now UNIT…`, `is-active UNIT…` and `daemon-reload`. A unit of ours sees the system
read-only but for its folders and a /tmp of its own, as by ProtectSystem=strict and PrivateTmp=yes; its other walls
are systemd's alone. Other units are services of Debian, which its own scripts start.
"""

from __future__ import annotations

import math
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from scripts.guide import units

INSTALLED = Path("/etc/systemd/system")
STATE = Path("/run/guide")
_WALLS = """
for folder in $0; do mount --bind "$folder" "$folder"; done
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -o remount,bind,ro /
exec "$@"
"""


def main(words: list[str]) -> None:
    """Do what systemctl would."""
    # The hour of a timer comes for nobody in here.
    names = [word for word in words[1:] if not word.startswith("-") and not word.endswith(".timer")]
    if words[0] == "daemon-reload":
        return
    for name in (one for given in names for one in _every(given)):
        if not name.startswith("mailroom"):
            subprocess.run(["service", name.removesuffix(".service"), words[0]], check=True)  # noqa: S607
            continue
        unit = units.read(name, INSTALLED)
        if words[0] == "is-active":
            _say_whether_active(unit)
            continue
        if words[0] in {"restart", "stop"}:
            _stop(unit)
        if words[0] != "stop":
            _start(unit)


def _every(name: str) -> list[str]:
    if not name.endswith(".target"):
        return [name if name.endswith(".service") or not name.startswith("mailroom") else f"{name}.service"]
    lines = (INSTALLED / name).read_text().splitlines()
    return [one for line in lines if line.startswith("Wants=") for one in line.removeprefix("Wants=").split()]


def _running(unit: units.Unit) -> int:
    """Return the process id of a unit, 0 where it has none."""
    noted = STATE / f"{unit.name}.pid"
    pid = int(noted.read_text()) if noted.exists() else 0
    return pid if pid and _lives(pid) else 0


def _lives(pid: int) -> bool:
    """Say whether a process is there and has not ended; nobody in here takes note of the ends of orphans."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def _say_whether_active(unit: units.Unit) -> None:
    active = _running(unit) > 0
    sys.stdout.write("active\n" if active else "inactive\n")
    if not active:
        sys.exit(3)


def _stop(unit: units.Unit) -> None:
    """End a unit's process with SIGTERM, and kill one that needs longer than its unit allows, as systemd does."""
    pid = _running(unit)
    if not pid:
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + float(unit.last("TimeoutStopSec"))
    while _lives(pid):
        if time.monotonic() > deadline:
            _tell(unit)
            sys.stderr.write(f"{unit.name} did not end in its {unit.last('TimeoutStopSec')} s, and is killed.\n")
            os.killpg(pid, signal.SIGKILL)
            deadline = math.inf
        time.sleep(0.1)


def _tell(unit: units.Unit) -> None:
    """Show the end of a unit's log, which is gone when the guide has ended."""
    sys.stderr.write((STATE / f"{unit.name}.log").read_text()[-3000:])


def _start(unit: units.Unit) -> None:
    STATE.mkdir(exist_ok=True)
    noted = STATE / f"{unit.name}.pid"
    if _running(unit):
        return
    account = pwd.getpwnam(unit.last("User"))
    folder = Path("/var/lib") / unit.last("StateDirectory")
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(folder, account.pw_uid, account.pw_gid)
    given = _credentials(unit, account)
    variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": account.pw_dir, "USER": account.pw_name}
    variables |= unit.environment({"%d": str(given), "%S": "/var/lib"})
    as_account = ["setpriv", "--reuid", account.pw_name, "--regid", account.pw_name, "--init-groups", "--no-new-privs"]
    inside = ["env", "-i", "-C", unit.last("WorkingDirectory"), *(f"{k}={v}" for k, v in variables.items())]
    walls = [
        "unshare",
        "--mount",
        "--propagation=private",
        "sh",
        "-ec",
        _WALLS,
        " ".join([str(folder), *unit.every("ReadWritePaths")]),
    ]
    command = [*walls, *as_account, *inside, *unit.command()]
    with (STATE / f"{unit.name}.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    if unit.last("Type") == "oneshot":
        if status := process.wait():
            _tell(unit)
            sys.exit(status)
        return
    noted.write_text(str(process.pid))


def _credentials(unit: units.Unit, account: pwd.struct_passwd) -> Path:
    place = Path("/run/credentials") / unit.name
    place.mkdir(parents=True, exist_ok=True)
    for name, source in unit.credentials().items():
        goal = place / name
        goal.unlink(missing_ok=True)
        shutil.copyfile(source, goal)
        goal.chmod(0o400)
        os.chown(goal, account.pw_uid, account.pw_gid)
    place.chmod(0o500)
    os.chown(place, account.pw_uid, account.pw_gid)
    return place


if __name__ == "__main__":
    main(sys.argv[1:])
