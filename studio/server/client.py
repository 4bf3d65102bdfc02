"""The client of a request: the address for which requests, uploads and runs are counted."""

from __future__ import annotations

import os
from ipaddress import ip_address, ip_network


def client_address(peer: str, forwarded: str) -> str:
    """The client's address, "" if it is unknown; for IPv6 its /64 network, which one subscriber has as a whole.

    On a Space every request comes through proxies, and each appends the address that it received the request from. So
    the last public address is correct, and anything that the client itself wrote comes before it. Elsewhere the header
    is ignored, because any client can write it.

    Args:
        peer: address at the other end of the connection.
        forwarded: the header X-Forwarded-For, "" if there is none.
    """
    addresses = forwarded.split(",") if os.environ.get("SPACE_ID") else []
    public = next((text for entry in reversed(addresses) if _is_public(text := entry.strip())), "")
    return _network(public or peer)


def _is_public(address: str) -> bool:
    try:
        return ip_address(address).is_global
    except ValueError:
        return False


def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(ip_network(f"{parsed}/64", strict=False)) if parsed.version == 6 else str(parsed)
