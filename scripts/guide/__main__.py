"""Follow the production guide word by word: `python -m scripts.guide BASE FOLDER`, as root.

BASE is the folder of a bare Debian 12, such as debootstrap makes. A copy of it becomes FOLDER, and every block of
commands of the page runs in there by chroot, one after the other, as an operator would type them. Only systemctl is a
stand-in, since no systemd runs in there. After the first two blocks, which need the network, the rest happens in a
network of its own, so that no port is taken. At the end a report is delivered, and processes are ended.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.guide.page import commands

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/operations/production.md"
NEED_NETWORK = 2
"""How many of the first blocks fetch something."""
_STAND_IN = """#!/bin/sh
exec env PYTHONPATH=/opt/mailroom /opt/mailroom/.venv/bin/python -m scripts.guide.systemctl "$@"
"""
_ENTER = """
if [ -n "$2" ]; then ip link set lo up; fi
mount --bind "$0" "$0"
mount --rbind /dev "$0/dev"
mount -t proc proc "$0/proc"
mount -t tmpfs tmpfs "$0/run"
exec chroot "$0" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
  DEBIAN_FRONTEND=noninteractive MAILROOM_REPOSITORY=/srv/mailroom.git \
  MAILROOM_NAME=mailroom.example.com MAILROOM_OWNER=ada@reports.test MAILROOM_VERSION=HEAD bash -e "$1"
"""


def main(base: Path, folder: Path) -> int:
    """Follow it; return the status of the last command that was carried out."""
    subprocess.run(["cp", "-a", str(base), str(folder)], check=True)  # noqa: S607
    clone = ["git", "clone", "--quiet", "--bare", str(ROOT), str(folder / "srv/mailroom.git")]
    subprocess.run(clone, check=True)
    tool = folder / "usr/local/sbin/systemctl"
    tool.write_text(_STAND_IN)
    tool.chmod(0o755)
    # No service of Debian starts by itself while its package is installed in a folder.
    policy = folder / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    blocks = [f"echo '── block {number}' >&2\n{block}\n" for number, block in enumerate(commands(PAGE.read_text()), 1)]
    systemd = "apt-get update -qq && apt-get install -qq -y --no-install-recommends systemd procps >/dev/null\n"
    (folder / "root/1.sh").write_text(systemd + "".join(blocks[:NEED_NETWORK]))
    # Where systemd runs, Debian has started Postgres when its package was installed.
    began = "service postgresql start\ncd /opt/mailroom\n"
    after = "echo '── afterwards' >&2\nPYTHONPATH=/opt/mailroom .venv/bin/python -m scripts.guide.afterwards\n"
    (folder / "root/2.sh").write_text(began + "".join(blocks[NEED_NETWORK:]) + after)
    return _in_root(folder, "/root/1.sh", apart=False) or _in_root(folder, "/root/2.sh", apart=True)


def _in_root(folder: Path, script: str, *, apart: bool) -> int:
    spaces = ["--mount", "--pid", "--fork", "--kill-child", "--propagation=private", *(["--net"] if apart else [])]
    command = ["unshare", *spaces, "sh", "-ec", _ENTER, str(folder), script, "apart" if apart else ""]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
