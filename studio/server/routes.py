"""The paths that are served: those that the page and the API need. Gradio's others fetch, write or list files."""

from __future__ import annotations

import re

API = "/gradio_api"
_PAGE_PATHS = re.compile(
    r"/?|/(config|theme\.css|favicon\.ico|robots\.txt|manifest\.json|pwa_icon)/?|/pwa_icon/\d{1,4}"
    r"|/(static|assets|svelte)/[^\n]{1,300}"
)
_API_PATHS = re.compile(
    r"/(info|openapi\.json|app_id|login_check|token|user|startup-events|theme\.css|reset|cancel|upload|upload_progress"
    r"|queue/(join|data|status))/?"
    r"|/heartbeat/[^/\n]{1,200}|/(run|api)/[^/\n]{1,100}/?|/call/(v2/)?[^/\n]{1,100}(/[^/\n]{1,100})?/?"
    # a local path; Gradio would fetch a URL
    r"|/file=(?![A-Za-z][A-Za-z0-9+.-]+:)[^\n]{1,2000}"
)
_HOST = re.compile(rb"[A-Za-z0-9._-]{1,255}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
_UNTRUSTED_HEADERS = (b"x-gradio-server",)
_HOST_HEADERS = (b"host", b"x-forwarded-host")
_UPLOAD_ID = re.compile(r"[A-Za-z0-9_-]{0,64}")

Headers = list[tuple[bytes, bytes]]


def inner_path(path: str, root: str) -> str:
    """The path inside the app, without the prefixes of a proxy and of Gradio's API."""
    return path.removeprefix(root).removeprefix(API)


def is_open(path: str, root: str) -> bool:
    """Whether this path is served."""
    inside = path.removeprefix(root)
    if inside.startswith(API + "/"):
        return _API_PATHS.fullmatch(inside.removeprefix(API)) is not None
    return _PAGE_PATHS.fullmatch(inside) is not None


def trusted_headers(headers: Headers) -> Headers | None:
    """The headers without those that name another server; None if the host is not a valid host name.

    Gradio writes the host into URLs, and other clients receive some of them.
    """
    if any(name == b"host" and not _HOST.fullmatch(value) for name, value in headers):
        return None
    return [
        (name, value)
        for name, value in headers
        if name not in _UNTRUSTED_HEADERS and (name not in _HOST_HEADERS or all(map(_is_host, value.split(b","))))
    ]


def is_upload_id(text: str) -> bool:
    """Whether this has the form of the page's upload ids; Gradio stores every id without a limit."""
    return _UPLOAD_ID.fullmatch(text) is not None


def _is_host(host: bytes) -> bool:
    return _HOST.fullmatch(host.strip()) is not None
