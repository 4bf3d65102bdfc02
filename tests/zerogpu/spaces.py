"""A stand-in for the package `spaces` of a shared GPU host: each call in a forked process, everything pickled.

It does what spaces 0.51 does where that matters here: only generator functions stream; a closed generator is noticed
at the next event; exceptions cross as the name of their class; a function that is late is aborted; values set in the
other process stay there. `granted` and `sent` say what was asked for and how much crossed, `killed` how many
processes had to be ended because they did not end themselves.
"""

from __future__ import annotations

import inspect
import multiprocessing
import pickle
import time
from collections.abc import Callable, Iterator
from typing import Any

context = multiprocessing.get_context("fork")
granted: list[float] = []
sent: list[int] = []
killed: list[int] = []


class Aborted(Exception):
    """As gr.Error: what a visitor reads is in `message`."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def GPU(task: Callable[..., Any] | None = None, *, duration: Any = None) -> Any:
    """The decorator, with and without arguments."""
    if task is None:
        return lambda function: GPU(function, duration=duration)
    if not inspect.isgeneratorfunction(task):
        raise TypeError(f"{task} is no generator function: its events would not stream")

    def there(arguments: bytes, results: Any, stop: Any) -> None:
        import torch

        torch.set_num_threads(1)  # a forked process has no threads of its parent's pool
        args, keywords = pickle.loads(arguments)
        generator = task(*args, **keywords)
        try:
            for event in generator:
                if stop.is_set():
                    generator.close()
                    break
                results.put(("event", pickle.dumps(event)))
        except BaseException as error:
            results.put(("error", type(error).__name__))
        results.put(("end", b""))

    def here(*args: Any, **keywords: Any) -> Iterator[Any]:
        seconds = duration(*args, **keywords) if callable(duration) else duration or 60
        granted.append(seconds)
        results, stop = context.Queue(), context.Event()
        process = context.Process(target=there, args=(pickle.dumps((args, keywords)), results, stop), daemon=True)
        process.start()
        late = time.monotonic() + seconds + 5
        try:
            while True:
                if time.monotonic() > late:
                    process.kill()
                    raise Aborted("GPU task aborted")
                kind, value = results.get(timeout=300)
                if kind == "end":
                    return
                if kind == "error":
                    raise Aborted(value)
                sent.append(len(value))
                yield pickle.loads(value)
        finally:
            stop.set()
            process.join(60)
            if process.is_alive():
                process.kill()
                killed.append(process.pid or 0)

    return here
