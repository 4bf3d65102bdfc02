"""AdjointDEIS Studio: `python app.py` loads the embedded model, warms it up and opens the demo in a browser."""

from __future__ import annotations

import argparse
import logging
import math
import os
import signal
import sys
from typing import Any

# no analytics and no telemetry; the libraries read this when they are imported
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

try:
    from spaces import GPU as on_gpu  # ZeroGPU hosts only; has to come before anything touches CUDA
except ImportError:

    def on_gpu(function: Any = None, *, duration: Any = None) -> Any:
        """Anywhere else the function runs where it is."""
        return function if function is not None else on_gpu


import torch
from starlette.middleware import Middleware

from studio.core.errors import UserError
from studio.core.plugins import add_plugin_flag, load_plugins
from studio.models.cli import add_flags, chosen
from studio.models.embedded import embedded, examples
from studio.models.interface import Model
from studio.models.placement.placement import best_device
from studio.queue import zerogpu
from studio.queue.app_state import Studio
from studio.queue.device import HOME, PUBLIC, DeviceQueue
from studio.server.cleanup import SESSIONS
from studio.server.doctor import check
from studio.server.middleware import RequestMiddleware, request_limits
from studio.server.sessions import UNREAD, Sessions
from studio.server.temp_dir import temporary_folder
from studio.ui import presenting as present
from studio.ui.blocks import Blocks
from studio.ui.page import page, run_here
from studio.ui.theme import CSS, theme


def build(public: bool = False, device: str | None = None, model: Model | None = None) -> Blocks:
    """The page on a model, warmed up.

    Args:
        public: on a public server (see `Studio.public`), with stricter limits per client.
        device: where the model runs; None for a GPU if there is one.
        model: the embedded one if None.
    """
    # Half of the cores: at batch 1 more threads gain nothing, and a busy second core slows them all down.
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    # A network call is hundreds of small operations that each give the interpreter lock away; with the default of 5 ms
    # the page's own threads keep it long enough to slow a run by an eighth.
    sys.setswitchinterval(5e-4)
    model = model or embedded(device or best_device(mps=False))
    studio = Studio(model, DeviceQueue(PUBLIC if public else HOME), public=public)
    pictures = examples()
    if zerogpu.is_zero():  # there is no GPU in this process, so nothing to warm up
        return page(studio, pictures, zerogpu.hosted(on_gpu, studio))
    if pictures and model.clip is not None:  # the short run for warming up has a goal in words
        studio.warm_up(pictures[0])
    return page(studio, pictures, run_here)


def launch(blocks: Blocks, presenting: bool = False, public: bool = False, **where: Any) -> Any:
    """Serve the page, with everything off that records or publishes what clients do.

    Args:
        blocks: of `build`.
        presenting: use presentation mode without `?present=1`.
        public: stricter limits on requests.
        where: server_name, server_port, inbrowser, prevent_thread_lock, share of `gr.Blocks.launch`.
    """
    sessions = Sessions(blocks, blocks.cleaner, UNREAD if public else math.inf)
    return blocks.launch(
        theme=theme(),
        css_paths=[CSS, CSS.with_name("tabs.css"), present.CSS],
        js=present.script(presenting),
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        state_session_capacity=SESSIONS,
        max_file_size=request_limits(public).file,
        app_kwargs={
            "middleware": [Middleware(RequestMiddleware, request_limits=request_limits(public), admit=sessions.admit)]
        },
        **where,
    )


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), help="address to serve on")
    parser.add_argument("--port", type=int, help="port; the first free one from 7860 by default")
    parser.add_argument("--share", action="store_true", help="make a temporary public link through gradio.live")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser window")
    parser.add_argument(
        "--present", action="store_true", help="for a projector: large type, keys, a fresh page after a pause"
    )
    parser.add_argument(
        "--public",
        action=argparse.BooleanOptionalAction,
        default=bool(os.environ.get("SPACE_ID")),
        help="for a place where anybody may come: stricter limits, pictures labelled; the default on a Space",
    )
    parser.add_argument("--device", help="where the model runs, as cpu or cuda; a GPU if there is one by default")
    add_flags(parser)
    add_plugin_flag(parser)
    parser.add_argument("--check", action="store_true", help="say whether all that the studio needs is there, and end")
    given = parser.parse_args()
    if given.present and given.share:
        parser.error("--present is for a room without network; leave --share out")
    return given


def can_open_a_browser() -> bool:
    """Whether there is a screen to open one on."""
    if os.environ.get("CI") or os.environ.get("SPACE_ID"):
        return False
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def main() -> None:
    """Build and serve until interrupted."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    given = arguments()
    if given.check:
        findings = list(check(given.host, given.port))
        print(*findings, sep="\n")
        sys.exit(any(not finding.fine for finding in findings))
    try:
        load_plugins(given.plugin)
        serve(given)
    except (FileNotFoundError, UserError) as missing:
        sys.exit(str(missing))
    except (OSError, UnicodeError) as error:  # a port that is taken, a full disk, files that may not be read
        sys.exit(f"The studio cannot start: {error}")


def opened(given: argparse.Namespace) -> Blocks:
    """The page on the model that the command line names."""
    device = given.device or str(best_device(mps=False))
    return build(given.public, model=chosen(given, device, given.public))


def serve(given: argparse.Namespace) -> None:
    """Build and serve, with a folder for clients' files that is deleted at the end, also by `docker stop`."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with temporary_folder():
        launch(
            opened(given),
            given.present,
            given.public,
            server_name=given.host,
            server_port=given.port,
            share=given.share,
            inbrowser=not given.no_browser and can_open_a_browser(),
        )


if __name__ == "__main__":
    main()
