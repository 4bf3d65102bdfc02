"""Which addresses there are: those that page and programs need. All others of Gradio fetch, write or list things."""

from __future__ import annotations

import re

API = "/gradio_api"
_PAGE = re.compile(
    r"/?|/(config|theme\.css|favicon\.ico|robots\.txt|manifest\.json|pwa_icon)/?|/pwa_icon/\d{1,4}"
    r"|/(static|assets|svelte)/[^\n]{1,300}"
)
_OF_THE_API = re.compile(
    r"/(info|openapi\.json|app_id|login_check|token|user|startup-events|theme\.css|reset|cancel|upload|upload_progress"
    r"|queue/(join|data|status))/?"
    r"|/heartbeat/[^/\n]{1,200}|/(run|api)/[^/\n]{1,100}/?|/call/(v2/)?[^/\n]{1,100}(/[^/\n]{1,100})?/?"
    # a file is a path on this machine; with a scheme it would be fetched
    r"|/file=(?![A-Za-z][A-Za-z0-9+.-]+:)[^\n]{1,2000}"
)
_PLAIN_HOST = re.compile(rb"[A-Za-z0-9._-]{1,255}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
_MISLEADING = (b"x-gradio-server",)
_HOSTS = (b"host", b"x-forwarded-host")
_UPLOAD_ID = re.compile(r"[A-Za-z0-9_-]{0,64}")

Headers = list[tuple[bytes, bytes]]


def inner_path(path: str, root: str) -> str:
    """The address inside the app, without what a proxy and Gradio put before it."""
    return path.removeprefix(root).removeprefix(API)


def is_open(path: str, root: str) -> bool:
    """Whether there is anything at this address."""
    inside = path.removeprefix(root)
    if inside.startswith(API + "/"):
        return _OF_THE_API.fullmatch(inside.removeprefix(API)) is not None
    return _PAGE.fullmatch(inside) is not None


def believable(headers: Headers) -> Headers | None:
    """The request's headers without those by which it could say that this server is another one; None where it asks
    for a host that cannot be one. Gradio writes them into addresses that others get to read.
    """
    if any(name == b"host" and not _PLAIN_HOST.fullmatch(value) for name, value in headers):
        return None
    return [
        (name, value)
        for name, value in headers
        if name not in _MISLEADING and (name not in _HOSTS or all(map(_plain, value.split(b","))))
    ]


def is_upload_id(text: str) -> bool:
    """Whether this could be the name that a page gives an upload; Gradio remembers all of them for good."""
    return _UPLOAD_ID.fullmatch(text) is not None


def _plain(host: bytes) -> bool:
    return _PLAIN_HOST.fullmatch(host.strip()) is not None
