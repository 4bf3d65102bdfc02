import multiprocessing
import sys
from threading import Thread

import pytest
import torch

from studio.models.memory import memory_in_use, trim_heap

CPU = torch.device("cpu")


def test_memory_in_use_follows_what_is_allocated() -> None:
    before = memory_in_use(CPU)
    large = torch.ones(50_000_000)
    assert memory_in_use(CPU) > before + 150e6
    del large


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks safely here")
def test_a_forked_process_measures_its_own_memory() -> None:
    memory_in_use(CPU)  # the parent's reader exists before the fork
    context = multiprocessing.get_context("fork")
    growth = context.Queue()

    def child() -> None:
        before = memory_in_use(CPU)
        large = b"1" * 200_000_000
        growth.put(memory_in_use(CPU) - before if large else 0)

    process = context.Process(target=child)
    process.start()
    assert growth.get(timeout=60) > 150e6
    process.join()


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries give freed memory back by themselves")
def test_what_a_thread_has_freed_goes_back_to_the_system() -> None:
    kept: list[bytes] = []

    def work() -> None:
        blocks = [b"%d" % i * 50_000 for i in range(10, 99) for _ in range(20)]
        kept.extend(blocks[::100])  # all over the thread's heaps, which therefore do not shrink by themselves

    worker = Thread(target=work)
    worker.start()
    worker.join()
    before = memory_in_use(CPU)
    trim_heap()
    assert memory_in_use(CPU) < before - 100e6
