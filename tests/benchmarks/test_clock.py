from time import perf_counter, sleep

import torch

from benchmarks.clock import clock


def test_a_cpu_clock_stands_still_while_others_compute_and_goes_on_with_our_work():
    now = clock("cpu")
    began, wall = now(), perf_counter()
    sleep(0.3)
    waited = now() - began
    began = now()
    while now() - began < 0.1:
        torch.randn(200, 200).mm(torch.randn(200, 200))
        assert perf_counter() - wall < 60
    assert waited < 0.15


def test_a_gpu_is_timed_by_the_wall():
    assert clock("cuda") is perf_counter
    assert clock(torch.device("cuda", 0)) is perf_counter
