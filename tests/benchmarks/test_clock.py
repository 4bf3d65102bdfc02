from time import perf_counter, sleep

import torch

from benchmarks.clock import clock


def test_the_cpu_clock_counts_the_time_of_this_process_only():
    now = clock("cpu")
    began, wall = now(), perf_counter()
    sleep(0.3)
    waited = now() - began
    began = now()
    while now() - began < 0.1:
        torch.randn(200, 200).mm(torch.randn(200, 200))
        assert perf_counter() - wall < 60
    assert waited < 0.15


def test_a_gpu_is_timed_by_wall_time():
    assert clock("cuda") is perf_counter
    assert clock(torch.device("cuda", 0)) is perf_counter
