"""Measure every network on people it never saw: `python -m clay.evaluate`.

Prints all figures and writes them to measures.json beside the weights; the model card quotes that file.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from clay.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.autoencoder import DiffusionAutoencoder
from clay.clip import normalise
from clay.data import DEFAULT_FOLDER, TEST, VALIDATION, load_pictures
from clay.identity import IdentityEmbedder
from clay.pictures import as_channels_first, to_unit
from clay.prompts import PROMPTS
from clay.sampling import times, walk
from clay.verification import thresholds_at, verify
from clay.world import DEFAULT_FOLDER as WORLD
from clay.world import ClayWorld, load_world

Measures = dict[str, float]
_BATCH = 100
_STEPS = 20


def in_batches(function: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
    """`function` over all pictures (n, 3, 64, 64) uint8, 100 at a time, without gradients."""
    with torch.no_grad():
        return torch.cat([function(to_unit(part)) for part in torch.split(pictures, _BATCH)])


def psnr(image: Tensor, reference: Tensor) -> float:
    """Mean over pictures of 10 log10(4 / mse) in dB, for values in [-1, 1]."""
    error = (image.clamp(-1, 1) - reference).square().mean((1, 2, 3))
    return float((10 * torch.log10(4 / error)).mean())


def measure_autoencoder(model: DiffusionAutoencoder, pictures: Tensor) -> Measures:
    """How much of a face comes back from (z, x_T), from z with a fresh x_T, and from m(z) alone."""
    image, grid = to_unit(pictures), times(_STEPS)
    with torch.no_grad():
        z = model.encode(image)
        mean = model.decoder(z).mean
    rebuilt = walk(model, walk(model, image, z, grid.flip(0)), z, grid)
    fresh = walk(model, torch.randn(image.shape, generator=torch.Generator().manual_seed(1)), z, grid)
    return {
        "psnr_from_z_and_x_T_db": psnr(rebuilt, image),
        "psnr_from_z_and_fresh_x_T_db": psnr(fresh, image),
        "psnr_of_coarse_mean_db": psnr(mean, image),
        "pictures": len(image),
        "sampling_steps": _STEPS,
    }


def identity_kept(world: ClayWorld, pictures: Tensor) -> Measures:
    """Whether the judge takes a decoding of z with a fresh x_T for the person z was made from."""
    image, model = to_unit(pictures), world.autoencoder
    z = model.encode(image)
    fresh = walk(model, torch.randn(image.shape, generator=torch.Generator().manual_seed(2)), z, times(_STEPS))
    with torch.no_grad():
        same = (world.judge(image) * world.judge(fresh)).sum(1)
    threshold = world.judge.thresholds["fmr_1_percent"]
    return {"judge_accepts_decoding_of_z": float((same > threshold).float().mean()), "cosine": float(same.mean())}


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
    seen = in_batches(lambda image: world.clip.encode_image(normalise(image), normalize=True), pictures)
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


def measure_identity(model: IdentityEmbedder, pictures: Tensor) -> Measures:
    """Verification between all pairs of test pictures."""
    return verify(in_batches(model, pictures).numpy(), TEST.owners(), TEST.scenes())


def set_thresholds(folder: Path, pictures: Tensor) -> None:
    """Choose an embedder's thresholds on the validation people, and store them in its configuration."""
    model = IdentityEmbedder.from_folder(folder, "cpu", torch.float32)
    model.thresholds = thresholds_at(in_batches(model, pictures).numpy(), VALIDATION.owners())
    model.save_folder(folder)


def measure(folder: Path, data: Path, faces: int) -> dict[str, object]:
    """All figures by network."""
    validation = as_channels_first(load_pictures(VALIDATION, data))
    for name in ("identity", "judge"):
        set_thresholds(folder / name, validation)
    world = load_world(folder)
    pictures, truth = as_channels_first(load_pictures(TEST, data)), test_classes()
    few = pictures[torch.arange(faces) * (len(pictures) // faces)]
    return {
        "autoencoder": measure_autoencoder(world.autoencoder, few) | identity_kept(world, few),
        "clip": measure_clip(world, pictures, truth),
        "attributes": measure_reader(world, pictures, truth),
        "identity": measure_identity(world.identity, pictures) | world.identity.thresholds,
        "judge": measure_identity(world.judge, pictures) | world.judge.thresholds,
    }


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 4) if isinstance(value, float | np.floating) else value


def main() -> None:
    """Print the figures and write measures.json."""
    parser = argparse.ArgumentParser(description="Measure the networks on the test people.")
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER, help="pictures made by clay.data")
    parser.add_argument("--world", type=Path, default=WORLD, help="folder of the weights")
    parser.add_argument("--faces", type=int, default=60, help="pictures the autoencoder is measured on")
    options = parser.parse_args()
    torch.set_num_threads(1)
    report = json.dumps(_rounded(measure(options.world, options.data, options.faces)), indent=2)
    print(report)
    (options.world / "measures.json").write_text(report + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
