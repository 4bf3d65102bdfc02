"""The rendered data set on disk: `python -m clay.rendering.dataset` renders it, `load_images` loads it."""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from clay.people.dataset import SPLITS, TRAIN, Split, scene

DEFAULT_FOLDER = Path("data/clay")
_SHARD = 100


def _shards(split: Split, folder: Path) -> Iterator[tuple[Path, list[tuple[int, int]]]]:
    for start in range(0, split.identities, _SHARD):
        stop = min(start + _SHARD, split.identities)
        numbers = [(split.first + i, j) for i in range(start, stop) for j in range(split.views)]
        yield folder / f"{split.name}-{start:05d}.npy", numbers


def render_split(split: Split, folder: Path, threads: int = 1, size: int = 64) -> Iterator[tuple[int, float]]:
    """Render the missing files of a split, each with the images of 100 people.

    Args:
        split: which images.
        folder: for the files; created if missing.
        threads: number of rendering threads.
        size: side of the images in pixels.

    Yields:
        For each file, its number of images and the images rendered per second.
    """
    from clay.rendering.render import render_all  # numba is needed here only

    folder.mkdir(parents=True, exist_ok=True)
    for path, numbers in _shards(split, folder):
        if path.exists():
            continue
        began = time.perf_counter()
        images = render_all([scene(i, j) for i, j in numbers], size=size, threads=threads)
        unfinished = path.with_suffix(".partial")
        with unfinished.open("wb") as file:
            np.save(file, images)
        unfinished.rename(path)
        yield len(numbers), len(numbers) / (time.perf_counter() - began)


def load_images(split: Split, folder: Path = DEFAULT_FOLDER) -> np.ndarray:
    """All images of a split, (len, size, size, 3) uint8 sRGB, in the order of `split.scenes()`.

    Raises:
        FileNotFoundError: files are missing; the message names the command that renders them.
    """
    paths = [path for path, _ in _shards(split, folder)]
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(paths)} files of the {split.name} images are missing in {folder}, "
            f"for example {missing[0].name}: render them with `python -m clay.rendering.dataset`."
        )
    return np.concatenate([np.load(path, allow_pickle=False) for path in paths])


def main() -> None:
    """Render all splits."""
    parser = argparse.ArgumentParser(description="Render the images of the data set.")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="folder for the images")
    parser.add_argument("--threads", type=int, default=1, help="number of rendering threads")
    parser.add_argument("--size", type=int, default=64, help="side of the images in pixels; use one folder per size")
    parser.add_argument("--people", type=int, help="people of the training split; all of them if left out")
    options = parser.parse_args()
    splits = [split.first_people(options.people) if split is TRAIN else split for split in SPLITS]
    total = sum(len(split) for split in splits)
    made = 0
    for split in splits:
        for count, rate in render_split(split, options.folder, options.threads, options.size):
            made += count
            print(f"{split.name}: {made} of at most {total} images, {rate:.0f} images/s", flush=True)


if __name__ == "__main__":
    main()
