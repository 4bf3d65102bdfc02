from threading import Barrier, Thread
from typing import Any

from benchmarks.soak.served_app import Metered


def test_the_meter_counts_overlapping_and_interleaved_runs() -> None:
    gate = Barrier(2, timeout=10)

    def network(*_: Any) -> None:
        gate.wait()

    meter = Metered(network, 0.0)
    threads = [Thread(target=lambda: [meter(None, None, None) for _ in range(2)]) for _ in range(2)]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert meter.runs == 2
    assert meter.overlaps >= 1
    assert meter.interleaved >= 1
