"""Read a list of hosts and networks that the operator opened, from the environment."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.ip_addresses import Address

VARIABLE = "MAILROOM_OUTBOUND_ALLOW"
"""This variable of the environment lists the private targets that connections may reach."""
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9-]{1,63})*\.?")


@dataclass(frozen=True, slots=True)
class AllowList:
    """Hold the private targets that the operator opened."""

    hosts: frozenset[str]
    networks: tuple[IPv4Network | IPv6Network, ...]

    def covers(self, host: str, address: Address) -> bool:
        """Tell whether this host, or the address it stands for, was opened."""
        return _bare(host) in self.hosts or any(address in network for network in self.networks)


def allow_list(variable: str = VARIABLE) -> AllowList:
    """Return the operator's list as it stands in the environment now.

    Args:
        variable: where it stands; other lists of hosts and networks are written in the same way.

    Raises:
        ConfigurationError: an entry is neither a host name nor a network.
    """
    hosts: set[str] = set()
    networks: list[IPv4Network | IPv6Network] = []
    for entry in re.split(r"[\s,]+", os.environ.get(variable, "").strip()):
        if not entry:
            continue
        try:
            networks.append(ip_network(entry))
        except ValueError as error:
            if "/" in entry or entry[0].isdigit() or not _HOST.fullmatch(entry.lower()):
                raise ConfigurationError(
                    f"{variable} has the entry '{entry}', which is neither a host nor a network.",
                    remedy="Write host names or networks such as 10.8.0.0/16 (no host bits), separated by commas.",
                    field=variable,
                ) from error
            hosts.add(_bare(entry))
    return AllowList(frozenset(hosts), tuple(networks))


def _bare(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()
