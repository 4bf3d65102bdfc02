"""`Gather`: functions that run side by side, one an image, and whose calls of a network are made as one batch.

Each function runs in a thread of its own until it calls a gathered network, or ends. When all of them wait, the calls
of the same network with inputs of the same shape are concatenated in the order of the images, made once in the calling
thread, and split. A loss that is written for one image therefore needs no change, and its networks run on the batch.
With a gradient, the graph passes through the batched call.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")
Network = Callable[[Tensor], Any]


@dataclass
class _Call:
    """A call that waits: the image's index, the network, its input (n, ...), and later its output."""

    index: int
    network: Network
    x: Tensor
    grad: bool
    output: Any = None
    error: BaseException | None = None
    done: bool = False


class Gather:
    """Runs one function an image; use as a context manager, which ends its threads.

    Args:
        images: the largest number of functions.
    """

    def __init__(self, images: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=max(images, 1), thread_name_prefix="image")
        self._changed = threading.Condition()
        self._waiting: list[_Call] = []
        self._running = 0
        self._threads: set[int] = set()
        self._stopped = False

    def __enter__(self) -> Gather:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def run(self, functions: Sequence[Callable[[], Result]]) -> list[Result | Exception]:
        """Each function's result, or the exception that it raised."""
        if len(functions) == 1:  # nothing to gather
            return [_caught(functions[0])]
        grad = torch.is_grad_enabled()
        self._running = len(functions)
        futures = [self._pool.submit(self._one, function, grad) for function in functions]
        try:
            while calls := self._all_waiting():
                self._make(calls)
        except BaseException:  # such as KeyboardInterrupt: no thread may go on waiting
            self._stop()
            raise
        return [future.result() for future in futures]

    def _all_waiting(self) -> list[_Call]:
        """The calls of all functions once every one of them waits; empty if all have ended."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) == self._running)
            calls, self._waiting = sorted(self._waiting, key=lambda call: call.index), []
            return calls

    def _stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def network(self, network: Network, index: int) -> Network:
        """The network as the function of image `index` is to call it."""

        def gathered(x: Tensor) -> Any:
            if threading.get_ident() not in self._threads:  # called outside of `run`
                return network(x)
            call = _Call(index, network, x, torch.is_grad_enabled())
            with self._changed:
                self._waiting.append(call)
                self._changed.notify_all()
                self._changed.wait_for(lambda: call.done or self._stopped)
            if not call.done:
                raise InterruptedError("The batch was interrupted.")
            if call.error is not None:
                raise call.error
            return call.output

        return gathered

    def _one(self, function: Callable[[], Result], grad: bool) -> Result | Exception:
        thread = threading.get_ident()
        self._threads.add(thread)
        try:
            with torch.set_grad_enabled(grad):
                return _caught(function)
        finally:
            self._threads.discard(thread)
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _make(self, calls: Sequence[_Call]) -> None:
        """Make the calls, those that fit together as one, and wake their threads."""
        together: dict[tuple[object, ...], list[_Call]] = defaultdict(list)
        for call in calls:
            together[id(call.network), call.x.shape[1:], call.x.dtype, call.grad].append(call)
        for group in together.values():
            sizes = [len(call.x) for call in group]
            try:
                with torch.set_grad_enabled(group[0].grad):
                    output = group[0].network(torch.cat([call.x for call in group]))
                for call, part in zip(group, _split(output, sizes), strict=True):
                    call.output = part
            except BaseException as error:  # it belongs to the functions that asked
                for call in group:
                    call.error = error
        with self._changed:
            for call in calls:
                call.done = True
            self._changed.notify_all()


def _caught(function: Callable[[], Result]) -> Result | Exception:
    try:
        return function()
    except Exception as error:
        return error


def _split(output: Any, sizes: Sequence[int]) -> Sequence[Any]:
    """The parts of a tensor (b, ...), or of each tensor in a tuple or mapping."""
    if isinstance(output, Tensor):
        return torch.split(output, list(sizes))
    if isinstance(output, Mapping):
        parts = {name: _split(value, sizes) for name, value in output.items()}
        return [{name: part[i] for name, part in parts.items()} for i in range(len(sizes))]
    return list(zip(*(_split(value, sizes) for value in output), strict=True))
