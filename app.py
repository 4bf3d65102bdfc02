"""AdjointDEIS Studio: `python app.py` loads the embedded model, warms it up and opens the demo in a browser."""

from __future__ import annotations

import argparse
import logging
import math
import os
import signal
import sys
from collections.abc import Callable
from threading import Thread
from typing import Any

# no usage statistics are sent; the libraries read these variables when they are imported
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

try:
    from spaces import GPU as on_gpu  # on ZeroGPU hosts; must be imported before anything uses CUDA
except ImportError:

    def on_gpu(function: Any = None, *, duration: Any = None) -> Any:
        """Outside ZeroGPU the function is returned unchanged."""
        return function if function is not None else on_gpu


import torch
from starlette.middleware import Middleware

from studio.core.errors import UserError
from studio.core.plugins import add_plugin_flag, load_plugins
from studio.images.clay import compile_renderer
from studio.models.cli import add_flags, embedded_models, offered_models
from studio.models.embedded import examples
from studio.models.holder import Holder
from studio.models.placement.placement import best_device
from studio.queue import zerogpu
from studio.queue.app_state import Studio
from studio.queue.device import HOME, PUBLIC, DeviceQueue
from studio.server.cleanup import SESSIONS
from studio.server.doctor import check
from studio.server.gradio_internals import put_into_head
from studio.server.middleware import RequestMiddleware, request_limits
from studio.server.sessions import UNREAD, Sessions
from studio.server.temp_dir import temporary_folder
from studio.ui import presenting as present
from studio.ui.blocks import Blocks
from studio.ui.page import page, run_here
from studio.ui.theme import CSS, ICON, theme


def build(
    public: bool = False,
    device: str | None = None,
    models: Holder | None = None,
    on_device: Callable[[Any], Any] = run_here,
) -> Blocks:
    """Build the page for the first of the models, which makes one short run.

    Args:
        public: limit each client's use of the device and label results (see `Studio.public`).
        device: where the models run; a GPU, if there is one, if None.
        models: those between which visitors may switch; the embedded ones if None.
        on_device: wraps the function that uses the device; a Space has its own.
    """
    # Half of the cores: at batch 1 more threads save no time, and threads that share a core slow each other down.
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    # A network call is hundreds of small operations, and each releases the interpreter lock; with the default switch
    # interval of 5 ms the page's other threads hold the lock long enough to slow a run by an eighth.
    sys.setswitchinterval(5e-4)
    models = models or embedded_models(device or str(best_device(mps=False)), public)
    model = models.get(models.names[0])
    # on a shared GPU host each task has a process of its own, which a switch here does not reach
    offered = None if zerogpu.is_zero() else models
    studio = Studio(model, DeviceQueue(PUBLIC if public else HOME), public=public, models=offered)
    pictures = examples()
    if zerogpu.is_zero():  # this process has no GPU, so it makes no run
        return page(studio, pictures, zerogpu.hosted(on_gpu, studio))
    if pictures and model.clip is not None:  # the short run is steered by a text
        studio.warm_up(pictures[0])
    studio.speed_up()
    return page(studio, pictures, on_device)


def launch(blocks: Blocks, presenting: bool = False, public: bool = False, **where: Any) -> Any:
    """Serve the page, with every feature off that would record or publish what visitors do.

    Args:
        blocks: the page that `build` returns.
        presenting: large type and keyboard control, whatever the URL's query is.
        public: use the request limits of a public server.
        where: server_name, server_port, inbrowser, prevent_thread_lock, share; see `gr.Blocks.launch`.
    """
    put_into_head(ICON)
    sessions = Sessions(blocks, blocks.cleaner, UNREAD if public else math.inf)
    return blocks.launch(
        theme=theme(),
        css=present.style(),
        css_paths=[CSS, CSS.with_name("tabs.css")],
        js=present.script(presenting),
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        state_session_capacity=SESSIONS,
        max_file_size=request_limits(public).max_upload,
        app_kwargs={
            "middleware": [Middleware(RequestMiddleware, request_limits=request_limits(public), admit=sessions.admit)]
        },
        **where,
    )


def arguments() -> argparse.Namespace:
    """Parse the command line (by argparse: see `studio.models.cli`)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), help="address to serve on")
    parser.add_argument("--port", type=int, help="port; the first free one from 7860 by default")
    parser.add_argument(
        "--root-path",
        default=os.environ.get("GRADIO_ROOT_PATH", ""),
        help="path of the studio behind a reverse proxy, such as /studio; see docs/hosting.md",
    )
    parser.add_argument("--share", action="store_true", help="create a temporary public link through gradio.live")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser window")
    parser.add_argument(
        "--present", action="store_true", help="for a projector: large type, keyboard control, a reset after a pause"
    )
    parser.add_argument(
        "--public",
        action=argparse.BooleanOptionalAction,
        default=bool(os.environ.get("SPACE_ID")),
        help="for a server that anybody can reach: stricter limits, labelled pictures; the default on a Space",
    )
    parser.add_argument("--device", help="where the model runs: cpu or cuda; a GPU, if there is one, by default")
    add_flags(parser)
    add_plugin_flag(parser)
    parser.add_argument("--check", action="store_true", help="check this machine for what the studio needs, and exit")
    args = parser.parse_args()
    if args.present and args.share:
        parser.error("--present runs without a network, so it cannot be combined with --share: leave --share out")
    return args


def can_open_a_browser() -> bool:
    """Whether this machine has a screen."""
    if os.environ.get("CI") or os.environ.get("SPACE_ID"):
        return False
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def main() -> None:
    """Build and serve until interrupted."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    args = arguments()
    if args.check:
        findings = list(check(args.host, args.port))
        print(*findings, sep="\n")
        sys.exit(any(not finding.fine for finding in findings))
    try:
        load_plugins(args.plugin)
        serve(args)
    except (FileNotFoundError, UserError) as error:
        sys.exit(str(error))
    except (OSError, UnicodeError) as error:  # a port in use, a full disk, an unreadable file
        sys.exit(f"The studio cannot start: {error}")


def serve(args: argparse.Namespace) -> None:
    """Build and serve; the folder of temporary files is deleted at the end, also after SIGTERM (`docker stop`)."""
    device = args.device or str(best_device(mps=False))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with temporary_folder():
        Thread(target=compile_renderer, daemon=True).start()
        models = offered_models(args, device, args.public)
        launch(
            build(args.public, models=models),
            args.present,
            args.public,
            server_name=args.host,
            server_port=args.port,
            root_path=args.root_path,
            share=args.share,
            inbrowser=not args.no_browser and can_open_a_browser(),
        )


if __name__ == "__main__":
    main()
