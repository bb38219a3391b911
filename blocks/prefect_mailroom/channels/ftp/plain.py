"""Plain FTP, which only the operator can allow: everybody on the way reads the password and the reports.

`MAILROOM_PLAIN_FTP_ALLOW` lists the hosts and networks where it may be used, like `MAILROOM_OUTBOUND_ALLOW`. It is a
variable of the environment for the same reason: whoever may edit a connection could allow it to himself otherwise.
"""

from __future__ import annotations

from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.ip_addresses import parsed
from prefect_mailroom.outbound import allow_list

VARIABLE = "MAILROOM_PLAIN_FTP_ALLOW"


def permit_plain(host: str, address: str) -> None:
    """Let a connection without encryption to this address of this host pass, or refuse it.

    Raises:
        ConfigurationError: the operator does not allow it there.
    """
    if allow_list(VARIABLE).covers(host, parsed(address)):
        return
    raise ConfigurationError(
        f"FTP without encryption is not allowed to '{host}'.",
        remedy=f"Set security to explicit or implicit. The operator can allow this by {VARIABLE}.",
        field="security",
    )
