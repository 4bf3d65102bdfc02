from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.batches import different, in_batches, judged_otherwise, one_by_one
from studio.core.cancellation import CancelToken
from studio.runs.request import Request
from tests.stub import SIZE, stub


def test_batches_make_the_pictures_of_single_runs(tmp_path: Path) -> None:
    asked = []
    for i in range(3):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(tmp_path / "a.png")
        values = {"prompt": "x", "seed": i, "optimisation_steps": 2}
        asked.append(Request.checked(values, tmp_path / "a.png", None, SIZE))
    model, stop = stub(), CancelToken(tmp_path / "stop")
    alone, together = one_by_one(model, asked, stop), in_batches(model, asked, 2, stop)
    assert not any(map(different, alone, together))
    assert not any(map(judged_otherwise, alone, together))
    assert different(alone[0], replace(alone[0], after=Image.new("RGB", (SIZE, SIZE))))
