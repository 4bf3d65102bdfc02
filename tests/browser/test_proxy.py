"""The page under a path behind a reverse proxy: runs, downloads, links, the icon and the API."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from gradio_client import Client, handle_file
from playwright.sync_api import Page, expect
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

import app
from studio.models.embedded import examples
from studio.queue.app_state import Studio
from studio.ui.page import page as build_page
from tests.browser.steering import few_steps, finish, note, prompt, write
from tests.stub import stub

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

PATH = "/studio"
_OF_ONE_CONNECTION = ("connection", "transfer-encoding", "content-length", "content-encoding")


@dataclass(frozen=True)
class Proxy:
    """Where the studio is found, and the answers at addresses outside of its path and of its own errors."""

    url: str
    astray: list[str]


def proxied(upstream: str, astray: list[str]) -> Starlette:
    """A proxy that passes on what is below `PATH`, without it, as nginx does with a slash at the end of proxy_pass."""

    @asynccontextmanager
    async def client(app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(base_url=upstream, timeout=None) as web:
            app.state.web = web
            yield

    async def forward(request: Request) -> Response:
        path = request.url.path
        if not path.startswith(f"{PATH}/"):
            astray.append(path)
            return Response(status_code=404)
        web: httpx.AsyncClient = request.app.state.web
        named = {"host": request.headers["host"], "x-forwarded-proto": "http"}
        headers = [(key, value) for key, value in request.headers.items() if key not in named]
        target = httpx.URL(upstream).copy_with(path=path.removeprefix(PATH), query=request.url.query.encode())
        asked = web.build_request(
            request.method, target, headers=[*headers, *named.items()], content=await request.body()
        )
        answer = await web.send(asked, stream=True)
        if answer.status_code >= 400:
            astray.append(f"{answer.status_code} {path}")
        kept = {key: value for key, value in answer.headers.items() if key not in _OF_ONE_CONNECTION}
        return StreamingResponse(
            answer.aiter_bytes(), answer.status_code, headers=kept, background=BackgroundTask(answer.aclose)
        )

    return Starlette(routes=[Route("/{path:path}", forward, methods=["GET", "HEAD", "POST"])], lifespan=client)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    # Gradio names files by their content: in a shared folder another studio's cleaner could delete this one's
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("proxied")))
        yield from served_behind_a_proxy()


def served_behind_a_proxy() -> Iterator[Proxy]:
    studio = Studio(stub())
    studio.warm_up(examples()[0])
    blocks = build_page(studio, examples())
    _, url, _ = app.launch(
        blocks, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, root_path=PATH
    )  # fmt: skip
    astray: list[str] = []
    inner = httpx.URL(url).copy_with(path="/")
    # a page holds a connection for as long as it is open
    config = uvicorn.Config(proxied(str(inner), astray), port=0, log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Proxy(f"http://127.0.0.1:{port}{PATH}/", astray)
    server.should_exit = True
    thread.join(10)
    blocks.close()


def test_behind_a_proxy_everything_is_below_its_path(
    proxy: Proxy, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = open_page(proxy.url)
    few_steps(page)
    write(page, "a face with a blue hat")
    finish(page)
    with page.expect_download() as download:
        page.click("#save-png")
    download.value.save_as(tmp_path / "saved.png")
    assert (tmp_path / "saved.png").read_bytes()[:4] == b"\x89PNG"
    page.click("#link")
    box = page.locator("#address textarea, #address input")
    expect(box).to_have_value(re.compile(f"^{re.escape(proxy.url)}"))  # the browser adds it to the server's answer
    address = box.input_value()
    icon = page.get_attribute("link[rel~=icon]", "href")
    assert icon is not None
    assert icon.startswith("data:")
    manifest = page.evaluate("document.querySelector('link[rel=manifest]').href")
    assert manifest == f"{proxy.url}manifest.json"
    assert page.request.get(manifest).ok
    page.goto(address)
    note(page, "Settings from the link loaded")
    assert prompt(page) == "a face with a blue hat"
    assert proxy.astray == []


def test_behind_a_proxy_the_api_is_described_and_answers(proxy: Proxy) -> None:
    client = Client(proxy.url, verbose=False)
    described = client.view_api(return_format="dict", print_info=False)
    assert "/steer" in described["named_endpoints"]  # type: ignore[index]
    picture, record = client.predict(
        image=handle_file(examples()[0]), prompt="a hat", optimisation_steps=1, sampling_steps=4, api_name="/steer"
    )
    assert Path(picture).read_bytes()[:4] == b"\x89PNG"
    assert record["settings"]["prompt"] == "a hat"
