"""Stand in for systemctl where no systemd runs: start what a unit starts, as its account, with its files and variables.

`systemctl start|restart|enable --now UNIT…` and `daemon-reload`. A unit of ours sees the system read-only but for its
state folder and a /tmp of its own, as by ProtectSystem=strict and PrivateTmp=yes; its other walls are systemd's alone.
Other units are services of Debian, which its own scripts start.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.guide import units

INSTALLED = Path("/etc/systemd/system")
STATE = Path("/run/guide")
_WALLS = """
mount --bind "$0" "$0"
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -o remount,bind,ro /
exec "$@"
"""


def main(words: list[str]) -> None:
    """Do what systemctl would."""
    names = [word for word in words[1:] if not word.startswith("-")]
    if words[0] == "daemon-reload":
        return
    for name in (one for given in names for one in _every(given)):
        if name.startswith("mailroom"):
            _start(units.read(name, INSTALLED), again=words[0] == "restart")
        else:
            subprocess.run(["service", name.removesuffix(".service"), words[0]], check=True)  # noqa: S607


def _every(name: str) -> list[str]:
    if not name.endswith(".target"):
        return [name]
    lines = (INSTALLED / name).read_text().splitlines()
    return [one for line in lines if line.startswith("Wants=") for one in line.removeprefix("Wants=").split()]


def _start(unit: units.Unit, *, again: bool) -> None:
    STATE.mkdir(exist_ok=True)
    noted = STATE / f"{unit.name}.pid"
    if noted.exists() and Path(f"/proc/{noted.read_text()}").exists() and not again:
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
    walls = ["unshare", "--mount", "--propagation=private", "sh", "-ec", _WALLS, str(folder)]
    command = [*walls, *as_account, *inside, *unit.command()]
    with (STATE / f"{unit.name}.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    if unit.last("Type") == "oneshot":
        if status := process.wait():
            sys.stderr.write((STATE / f"{unit.name}.log").read_text()[-3000:])
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
