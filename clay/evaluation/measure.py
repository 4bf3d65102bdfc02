"""Evaluate all networks on the test split: `python -m clay.evaluation.measure`.

Prints the results and writes them to measures.json beside the weights, from which the model card is made. `--only`
evaluates some of the networks and keeps the other results. `--against` measures a second autoencoder, of another size,
on the same images with the same networks; its results are enlarged.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clay.evaluation.autoencoder import measure_autoencoder, measure_samples, measure_speed
from clay.evaluation.batches import in_batches
from clay.evaluation.classification import measure_classifier, measure_clip, measure_heads
from clay.evaluation.verification import thresholds_at, verify
from clay.networks.identity import IdentityEmbedder
from clay.networks.images import as_channels_first
from clay.people.attributes import true_classes
from clay.people.dataset import TEST, VALIDATION
from clay.rendering.dataset import DEFAULT_FOLDER, load_images
from clay.world import DEFAULT_FOLDER as WORLD
from clay.world import EMBEDDERS, load_world

PARTS = ("autoencoder", "clip", "attributes", "heads", "embedders")


def measure_identity(model: IdentityEmbedder, images: Tensor) -> dict[str, float]:
    """Verification rates over all pairs of the test images (n, 3, side, side) uint8."""
    return verify(in_batches(model, images).numpy(), TEST.owners(), TEST.scenes())


def set_thresholds(folder: Path, images: Tensor) -> None:
    """Set an embedder's thresholds by the validation images (n, 3, side, side) uint8, and save them in its folder."""
    model = IdentityEmbedder.from_folder(folder, "cpu", torch.float32)
    model.thresholds = thresholds_at(in_batches(model, images).numpy(), VALIDATION.owners())
    model.save_folder(folder)


def measure(
    folder: Path,
    data: Path,
    faces: int,
    samples: int,
    only: tuple[str, ...],
    shared: Path | None = None,
    against: Path | None = None,
) -> dict[str, object]:
    """Evaluate some of the networks.

    Args:
        folder: the weights; thresholds are written to it.
        data: the rendered images.
        faces: number of test images for the autoencoder.
        samples: number of test images whose codes are sampled from for the Frechet distance.
        only: which of `PARTS`.
        shared: weights of the parts that `folder` does not have.
        against: weights with a second autoencoder, measured by the other networks of `folder`.
    """
    if "embedders" in only:
        validation = as_channels_first(load_images(VALIDATION, data))
        for part in EMBEDDERS:
            if (folder / part).is_dir():
                set_thresholds(folder / part, validation)
    world = load_world(folder, shared=shared)
    images = as_channels_first(load_images(TEST, data))
    truth = torch.tensor([true_classes(*scene) for scene in TEST.scenes()])
    few, many = (images[torch.arange(count) * (len(images) // count)] for count in (faces, samples))
    measures: dict[str, object] = {}
    if "autoencoder" in only:
        models = {"": world.autoencoder}
        if against:
            models["_against"] = load_world(against).autoencoder
        for name, model in models.items():
            measures[f"autoencoder{name}"] = measure_autoencoder(world, few, model)
            measures[f"samples{name}"] = measure_samples(world, many, model)
        measures["speed"] = measure_speed(world.autoencoder)
    if "clip" in only:
        measures["clip"] = measure_clip(world, images, truth)
    if "attributes" in only:
        measures["attributes"] = measure_classifier(world, images, truth)
    if "heads" in only:
        measures["heads"] = measure_heads(world, images, truth)
    if "embedders" in only:
        for name, network in world.embedders.items():
            measures[name] = measure_identity(network, images) | network.thresholds
    return measures


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 4) if isinstance(value, float | np.floating) else value


def main() -> None:
    """Print the results and write measures.json."""
    parser = argparse.ArgumentParser(description="Evaluate the networks on the test split.")
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER, help="images made by clay.rendering.dataset")
    parser.add_argument("--world", type=Path, default=WORLD, help="folder of the weights")
    parser.add_argument("--shared", type=Path, help="folder of the parts that --world does not have")
    parser.add_argument("--against", type=Path, help="folder of the weights of a second autoencoder")
    parser.add_argument("--faces", type=int, default=200, help="number of test images for the autoencoder")
    parser.add_argument("--samples", type=int, default=1000, help="number of test images for the Frechet distance")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="which networks to evaluate")
    options = parser.parse_args()
    torch.set_num_threads(1)
    path = options.world / "measures.json"
    some = set(options.only) < set(PARTS) and path.is_file()
    kept = json.loads(path.read_text(encoding="utf-8")) if some else {}
    given = options.world, options.data, options.faces, options.samples, options.only, options.shared, options.against
    report = json.dumps(kept | _rounded(measure(*given)), indent=2)
    print(report)
    path.write_text(report + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
