"""Which client sent a request: its network address, for rate limits and the device queue, and its session."""

from __future__ import annotations

import os
from ipaddress import ip_address, ip_network
from typing import Any

import gradio as gr


def address_of(client: str, forwarded: str) -> str:
    """The client's address; "" where it is unknown. For IPv6 its /64 network, because one person holds all of it.

    On a Space every connection comes from the proxy. Each proxy appends the address it was asked by to
    X-Forwarded-For, so the last public address there is reliable and the ones before it are not. On other hosts the
    header is ignored, because any client can write it.

    Args:
        client: address of the connection.
        forwarded: the header X-Forwarded-For; "" if there is none.
    """
    listed = forwarded.split(",") if os.environ.get("SPACE_ID") else []
    public = next((text for one in reversed(listed) if _is_public(text := one.strip())), "")
    return _network(public or client)


def session_name(request: gr.Request) -> str:
    """The name of the session: Gradio makes one for every open page; "local" without one."""
    return request.session_hash or "local"


def client_address(request: Any) -> str:
    """The address of a `gr.Request`'s client; "" where it is unknown."""
    headers, client = getattr(request, "headers", None), getattr(request, "client", None)
    return address_of(getattr(client, "host", None) or "", headers.get("x-forwarded-for", "") if headers else "")


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
