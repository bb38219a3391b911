"""Dovecot's submission server: STARTTLS, login by password or XOAUTH2, and each mail passed on to another server.

It runs as an ordinary account, from a configuration of its own, on a free port.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.accounts import short_folder, unprivileged
from tests.support.certificates import self_signed
from tests.support.programs import needs
from tests.support.smtp_sink import free_port
from tests.support.waiting import eventually_sync

PASSWORD = "canary-dovecot-password"
USERNAME = "mailroom"

_TOKENS = """
introspection_url = {tokens}/introspect?token=
introspection_mode = get
force_introspection = yes
username_attribute = sub
active_attribute = active
active_value = true
"""
_SERVER = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = submission
listen = 127.0.0.1
hostname = dovecot.test
default_internal_user = {account}
default_internal_group = {group}
default_login_user = {account}
first_valid_uid = 1
ssl = required
ssl_cert = <{folder}/chain.pem
ssl_key = <{folder}/chain.pem
auth_mechanisms = plain xoauth2
# Whoever fails is not kept waiting: tests fail on purpose.
auth_failure_delay = 0
mail_location = maildir:{folder}/mail/%u
mail_uid = {account}
mail_gid = {group}
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
passdb {{
  driver = static
  mechanisms = plain
  args = password={password}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/tokens.conf
}}
userdb {{
  driver = static
  args = uid={account} gid={group} home={folder}/mail/%u
}}
service anvil {{
  chroot =
  # Nor is the address that they come from.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service submission-login {{
  chroot =
  inet_listener submission {{
    port = {port}
  }}
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """A running dovecot; `pem` is the certificate to trust."""

    port: int
    pem: str
    folder: Path

    def log(self) -> str:
        """Return what it has logged."""
        return (self.folder / "log").read_text()


@contextmanager
def dovecot(relay: int, tokens: str) -> Iterator[Dovecot]:
    """Run dovecot while the block does.

    Args:
        relay: the port of the server that it passes mails on to.
        tokens: the address of the server that knows which tokens are good.
    """
    program = needs("dovecot", "dovecot-submissiond")
    if not Path("/usr/lib/dovecot/submission-login").exists():
        needs("submission-login", "dovecot-submissiond")
    account, port = unprivileged(), free_port()
    with short_folder() as folder:
        certificate = self_signed(folder)
        for name in ("run", "state", "mail"):
            (folder / name).mkdir()
        (folder / "tokens.conf").write_text(_TOKENS.format(tokens=tokens))
        settings = {"account": account, "group": _group(account), "relay": relay, "password": PASSWORD}
        (folder / "dovecot.conf").write_text(_SERVER.format(folder=folder, port=port, **settings))
        if os.geteuid() == 0:
            for path in [*folder.rglob("*")]:
                shutil.chown(path, account)
        # As root, another account is taken; else there is no other one to take.
        user, group = (account, _group(account)) if os.geteuid() == 0 else (None, None)
        process = psutil.Popen(
            [program, "-F", "-c", folder / "dovecot.conf"], user=user, group=group, extra_groups=[] if user else None
        )
        try:
            eventually_sync(lambda: _accepts(port) or process.poll() is not None, pause=0.02)
            assert process.poll() is None, (folder / "log").read_text()
            yield Dovecot(port, certificate.pem, folder)
        finally:
            process.terminate()
            process.wait()


def _group(account: str) -> str:
    import grp
    import pwd

    return grp.getgrgid(pwd.getpwnam(account).pw_gid).gr_name


def _accepts(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
