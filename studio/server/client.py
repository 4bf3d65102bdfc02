"""Whose request is it? The address to which a share of uploads, requests and runs counts."""

from __future__ import annotations

import os
from ipaddress import ip_address, ip_network


def address_of(client: str, forwarded: str) -> str:
    """The address of whoever asks; "" where nobody knows. Of an IPv6 address its network, for a person has all of one.

    On a Space everybody comes through its proxy, which says for whom it asks: each proxy on the way adds at the end
    whom it was asked by, so the last public address is true, and whatever a visitor wrote comes before it. Elsewhere
    anybody could have written it.

    Args:
        client: who connected.
        forwarded: the header X-Forwarded-For, "" if there is none.
    """
    told = forwarded.split(",") if os.environ.get("SPACE_ID") else []
    public = next((text for one in reversed(told) if _is_public(text := one.strip())), "")
    return _network(public or client)


def _is_public(address: str) -> bool:
    try:
        return ip_address(address).is_global
    except ValueError:
        return False


def _network(address: str) -> str:
    try:
        known = ip_address(address)
    except ValueError:
        return address
    own = getattr(known, "ipv4_mapped", None) or known
    return str(ip_network(f"{own}/64", strict=False)) if own.version == 6 else str(own)
