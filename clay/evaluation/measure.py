"""Measure every network on people it never saw: `python -m clay.evaluation.measure`.

Prints all figures and writes them to measures.json beside the weights; the model card quotes that file. `--only`
measures some of the networks again and keeps the other figures.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clay.evaluation.sampling import times, walk
from clay.evaluation.similarity import frechet_distance, perceptual_distance, psnr, ssim, trunk_features
from clay.evaluation.verification import thresholds_at, verify
from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.clip import prepare
from clay.networks.identity import IdentityEmbedder
from clay.networks.images import as_channels_first, to_unit
from clay.people.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.people.dataset import TEST, VALIDATION
from clay.people.prompts import PROMPTS
from clay.rendering.dataset import DEFAULT_FOLDER, load_pictures
from clay.world import DEFAULT_FOLDER as WORLD
from clay.world import ClayWorld, load_world

Measures = dict[str, float]
PARTS = ("autoencoder", "clip", "attributes", "heads", "embedders")
EMBEDDERS = ("identity", "judge", "jury")
_BATCH = 100
_STEPS = 20


def in_batches(function: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
    """`function` over all pictures (n, 3, 64, 64) uint8, 100 at a time, without gradients."""
    with torch.no_grad():
        return torch.cat([function(to_unit(part)) for part in torch.split(pictures, _BATCH)])


def likeness(world: ClayWorld, made: Tensor, image: Tensor) -> Measures:
    """PSNR, SSIM and perceptual distance of what was made to what it should be, both in [-1, 1]."""
    return {
        "psnr_db": psnr(made, image),
        "ssim": ssim(made, image),
        "perceptual": perceptual_distance(world.attributes, made, image),
    }


def same_person(network: IdentityEmbedder, made: Tensor, image: Tensor) -> Tensor:
    """Whether each pair is one person to this embedder, at FMR 0.1 %."""
    similarity: Tensor = (network(image) * network(made)).sum(1)
    return similarity > network.thresholds["fmr_0.1_percent"]


@torch.no_grad()
def measure_autoencoder(world: ClayWorld, pictures: Tensor) -> dict[str, object]:
    """How much of a face comes back from (z, x_T), from z with a fresh x_T, and from m(z) alone."""
    image, model, grid = to_unit(pictures), world.autoencoder, times(_STEPS)
    z = model.encode(image)
    rebuilt = walk(model, walk(model, image, z, grid.flip(0)), z, grid)
    fresh = walk(model, torch.randn(image.shape, generator=torch.Generator().manual_seed(1)), z, grid)
    return {
        "from_z_and_x_T": likeness(world, rebuilt, image),
        "from_z_and_fresh_x_T": likeness(world, fresh, image),
        "coarse_mean": likeness(world, model.decoder(z).mean, image),
        "accepted_as_the_person": {
            name: float(
                ((network(image) * network(fresh)).sum(1) > network.thresholds["fmr_0.1_percent"]).float().mean()
            )
            for name, network in world.embedders.items()
        },
        "pictures": len(image),
        "sampling_steps": _STEPS,
    }


@torch.no_grad()
def measure_samples(world: ClayWorld, pictures: Tensor, codes: Tensor) -> Measures:
    """Frechet distance of samples to held-out renders, in 128 features of the attribute reader.

    Args:
        world: the networks.
        pictures: held-out renders (n, 3, 64, 64) uint8; half of them are the reference.
        codes: z of other renders (m, 128); samples take their z from the normal law fitted to them.
    """
    generator, half = torch.Generator().manual_seed(3), len(pictures) // 2
    law = torch.distributions.MultivariateNormal(codes.mean(0), torch.cov(codes.T) + 1e-4 * torch.eye(codes.shape[1]))
    white = torch.randn(half, codes.shape[1], generator=generator)
    z = torch.nn.functional.layer_norm(codes.mean(0) + white @ law.scale_tril.mT, codes.shape[1:])
    x_T = torch.randn(half, *world.autoencoder.sample_shape, generator=generator)
    parts = zip(torch.split(x_T, 50), torch.split(z, 50), strict=True)
    made = torch.cat([walk(world.autoencoder, *part, times(_STEPS)) for part in parts])
    reference = in_batches(lambda image: trunk_features(world.attributes, image), pictures)
    features = torch.cat([trunk_features(world.attributes, part) for part in torch.split(made, _BATCH)])
    return {
        "frechet_distance": frechet_distance(features, reference[half:]),
        "frechet_distance_of_renders": frechet_distance(reference[:half], reference[half:]),
        "samples": half,
    }


@torch.no_grad()
def measure_speed(model: DiffusionAutoencoder, repeats: int = 5) -> Measures:
    """Seconds of one sample of batch 1 on all cores, the median of some."""
    x_T, z, taken = torch.randn(1, *model.sample_shape), torch.randn(1, 128), []
    before = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    for _ in range(repeats):
        began = time.perf_counter()
        walk(model, x_T, z, times(_STEPS))
        taken.append(time.perf_counter() - began)
    torch.set_num_threads(before)
    return {"ddim_20_batch_1_seconds": sorted(taken)[repeats // 2]}


def test_classes() -> Tensor:
    """True classes of the test pictures, (n, attributes)."""
    return torch.tensor([true_classes(*scene) for scene in TEST.scenes()])


def measure_classes(predicted: dict[str, Tensor], truth: Tensor) -> dict[str, Measures]:
    """Accuracy beside that of always guessing the commonest class, where the picture can show the attribute."""
    measures = {}
    for column, name in enumerate(ATTRIBUTES):
        shown = truth[:, column] != HIDDEN
        right = truth[shown, column]
        measures[name] = {
            "accuracy": float((predicted[name][shown] == right).float().mean()),
            "commonest": float(right.bincount().max() / len(right)),
            "classes": len(ATTRIBUTES[name]),
        }
    return measures


def measure_clip(world: ClayWorld, pictures: Tensor, truth: Tensor) -> dict[str, Measures]:
    """Each picture is given the class whose prompt is most similar."""
    seen = in_batches(lambda image: world.clip.encode_image(prepare(image, world.clip), normalize=True), pictures)
    predicted = {}
    for name, prompts in PROMPTS.items():
        with torch.no_grad():
            told = world.clip.encode_text(world.tokenizer(list(prompts)), normalize=True)
        predicted[name] = (seen @ told.T).argmax(1)
    return measure_classes(predicted, truth)


def measure_reader(world: ClayWorld, pictures: Tensor, truth: Tensor) -> dict[str, Measures]:
    """Accuracy of the attribute reader."""
    names = list(ATTRIBUTES)
    classes = in_batches(
        lambda image: torch.stack([p.argmax(1) for p in world.attributes.probabilities(image).values()], 1), pictures
    )
    return measure_classes({name: classes[:, i] for i, name in enumerate(names)}, truth)


def measure_heads(world: ClayWorld, pictures: Tensor, truth: Tensor) -> dict[str, Measures]:
    """Accuracy of the linear heads on the code."""
    codes = in_batches(world.autoencoder.encode, pictures)
    with torch.no_grad():
        return measure_classes({name: logits.argmax(1) for name, logits in world.heads(codes).items()}, truth)


def measure_identity(model: IdentityEmbedder, pictures: Tensor) -> Measures:
    """Verification between all pairs of test pictures."""
    return verify(in_batches(model, pictures).numpy(), TEST.owners(), TEST.scenes())


def set_thresholds(folder: Path, pictures: Tensor) -> None:
    """Choose an embedder's thresholds on the validation people, and store them in its configuration."""
    model = IdentityEmbedder.from_folder(folder, "cpu", torch.float32)
    model.thresholds = thresholds_at(in_batches(model, pictures).numpy(), VALIDATION.owners())
    model.save_folder(folder)


def measure(folder: Path, data: Path, faces: int, only: tuple[str, ...]) -> dict[str, object]:
    """The figures of the parts named in `only`."""
    if "embedders" in only:
        validation = as_channels_first(load_pictures(VALIDATION, data))
        for name in EMBEDDERS:
            set_thresholds(folder / name, validation)
    world = load_world(folder)
    pictures, truth = as_channels_first(load_pictures(TEST, data)), test_classes()
    few = pictures[torch.arange(faces) * (len(pictures) // faces)]
    measures: dict[str, object] = {}
    if "autoencoder" in only:
        codes = in_batches(world.autoencoder.encode, as_channels_first(load_pictures(VALIDATION, data)))
        measures["autoencoder"] = measure_autoencoder(world, few)
        measures["samples"] = measure_samples(world, few, codes)
        measures["speed"] = measure_speed(world.autoencoder)
    if "clip" in only:
        measures["clip"] = measure_clip(world, pictures, truth)
    if "attributes" in only:
        measures["attributes"] = measure_reader(world, pictures, truth)
    if "heads" in only:
        measures["heads"] = measure_heads(world, pictures, truth)
    if "embedders" in only:
        for name, network in world.embedders.items():
            measures[name] = measure_identity(network, pictures) | network.thresholds
    return measures


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 4) if isinstance(value, float | np.floating) else value


def main() -> None:
    """Print the figures and write measures.json."""
    parser = argparse.ArgumentParser(description="Measure the networks on the test people.")
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER, help="pictures made by clay.people.dataset")
    parser.add_argument("--world", type=Path, default=WORLD, help="folder of the weights")
    parser.add_argument("--faces", type=int, default=200, help="pictures the autoencoder is measured on")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="what to measure")
    options = parser.parse_args()
    torch.set_num_threads(1)
    path = options.world / "measures.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if set(options.only) < set(PARTS) else {}
    report = json.dumps(kept | _rounded(measure(options.world, options.data, options.faces, options.only)), indent=2)
    print(report)
    path.write_text(report + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
