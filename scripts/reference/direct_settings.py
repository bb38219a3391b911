"""Describe the variables that blocks and processes read by themselves; the settings know nothing of them."""

from __future__ import annotations

from dataclasses import dataclass

from prefect_mailroom import allow_list, never_targets
from prefect_mailroom.channels.azure import container
from prefect_mailroom.channels.command import allowed
from prefect_mailroom.channels.ftp import plain
from prefect_mailroom.channels.gcs import bucket as gcs
from prefect_mailroom.channels.objects import identity
from prefect_mailroom.channels.s3 import bucket as s3
from prefect_mailroom.channels.sftp import login

TARGETS = "hosts and networks, separated by blanks or commas"
_HOSTS = "hosts, separated by blanks or commas"


@dataclass(frozen=True, slots=True)
class Direct:
    """A variable, with what it takes, what holds without it, and what it does."""

    variable: str
    kind: str
    default: str
    meaning: str


DIRECT = (
    Direct(
        allow_list.VARIABLE,
        TARGETS,
        "empty",
        "The private hosts and networks that connections may reach. What is public is open, what is private closed.",
    ),
    Direct(
        never_targets.CLOSED_VARIABLE,
        "`host:port`, networks or URLs, separated by blanks",
        "empty",
        "What no connection may ever reach, besides Prefect, Mailroom and their databases, which never are.",
    ),
    Direct(
        plain.VARIABLE,
        TARGETS,
        "empty",
        "The servers that FTP without TLS may be used with.",
    ),
    Direct(
        login.AGENT_VARIABLE,
        "true or false",
        "`false`",
        "Whether SFTP may log in by the SSH agent of the worker's account.",
    ),
    Direct(
        allowed.VARIABLE,
        "absolute paths, separated by blanks or commas",
        "empty",
        "The programs that connections of the kind `command` may start.",
    ),
    Direct(
        identity.VARIABLE,
        "true or false",
        "`false`",
        "Whether connections to object stores may use the identity of the machine.",
    ),
    Direct(
        s3.HOSTS_VARIABLE,
        _HOSTS,
        "empty",
        "The stores besides Amazon's own that may be given what the machine's identity signs.",
    ),
    Direct(
        s3.STS_VARIABLE,
        "URL",
        "empty",
        "The address of the token service of AWS, where it is not Amazon's own.",
    ),
    Direct(
        gcs.HOSTS_VARIABLE,
        _HOSTS,
        "empty",
        "The stores besides Google's own that may be given tokens of the machine's identity.",
    ),
    Direct(
        container.HOSTS_VARIABLE,
        _HOSTS,
        "empty",
        "The stores besides Microsoft's own that may be given tokens of an identity.",
    ),
    Direct(
        "PREFECT_MAILROOM_WORKER_GRACE_SECONDS",
        "number",
        "see [The warm worker](../warm-worker.md)",
        "How many seconds the runs of a warm worker that is told to stop have to end.",
    ),
    Direct(
        "MAILROOM_HOST_NAME",
        "text",
        "the name of the host",
        "How this host is called in the doctor and in signs of life, where several containers have the same host name.",
    ),
    Direct(
        "MAILROOM_DEBUG",
        "anything",
        "unset",
        "If set, the command line shows the whole error with its traceback.",
    ),
)
