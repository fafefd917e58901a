"""Which hosts an agent may talk to, and what they resolve to."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The IP addresses of a name, for a port; OSError if there are none."""

_RESERVED_4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers' NAT
            "127.0.0.0/8",
            "168.63.129.16/32",  # the metadata service of Azure
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",  # multicast, reserved and broadcast
        ),
    )
)
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_RESERVED_6 = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # Teredo, ORCHID, benchmarks
            "2001:db8::/32",
            "2002::/16",  # 6to4: carries any IPv4 address
            "3fff::/20",
        ),
    )
)

_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
# The last label begins with a letter: 0x7f.1 and 127.1 are addresses to some resolvers.
_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])")
_LOCAL_ENDINGS = frozenset({"arpa", "internal", "local", "localhost"})
_MOST_NAME = 253


def is_public(address: Address) -> bool:
    """Whether anybody on the internet could talk to this address: global unicast only.

    The lists are our own: what ``ipaddress`` calls global changes between Python's versions.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _RESERVED_4)
    if address.scope_id is not None:
        return False
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _GLOBAL_6 and not any(address in network for network in _RESERVED_6)


def literal(host: str) -> Address | None:
    """The address that is written as ``host``, or None if it is not one in full."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_public_name(host: str) -> bool:
    """Whether ``host``, in lower-case ASCII, is written as a full name of the public DNS."""
    return (
        len(host) <= _MOST_NAME
        and _NAME.fullmatch(host) is not None
        and host.rpartition(".")[2] not in _LOCAL_ENDINGS
    )


async def resolve(host: str, port: int) -> Sequence[str]:
    """What this machine's resolver says; OSError if there is no such name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
