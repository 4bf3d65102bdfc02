"""Measure the enlarger, and fill its card: `python -m clay.evaluation.enlarger`.

Test people, rendered with 128 and with 512 pixels. The small renders, and what the autoencoder samples from their
codes and fresh noise in four steps, are enlarged by the network, by bicubic and by Lanczos interpolation, and compared
with the large renders.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from clay.evaluation.card import fill, hashes_table, table
from clay.evaluation.similarity import psnr, ssim
from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.enlarger import FACTOR, Enlarger
from clay.networks.images import as_channels_first, to_bytes, to_unit
from clay.people.dataset import TEST, scene
from clay.rendering.render import render_all
from clay.training.enlarger import SIZE, sampled
from clay.world import ENLARGER_FOLDER, FOLDER_128


def lanczos(images: Tensor) -> Tensor:
    """(n, 3, h, w) in [-1, 1] -> (n, 3, 4 h, 4 w), by Pillow."""
    side = FACTOR * images.shape[-1]
    large = [Image.fromarray(one).resize((side, side), Image.Resampling.LANCZOS) for one in to_bytes(images)]
    return to_unit(as_channels_first(np.stack([np.asarray(one) for one in large])))


@torch.no_grad()
def measure(network: Enlarger, small: Tensor, large: Tensor) -> dict[str, tuple[float, float]]:
    """By method, PSNR in dB and SSIM of the enlarged images, clipped to [-1, 1].

    Args:
        network: the enlarger.
        small: (n, 3, h, w) in [-1, 1].
        large: (n, 3, 4 h, 4 w) in [-1, 1].
    """
    found = {
        "network": torch.cat([network(small[k : k + 1]).clamp(-1, 1) for k in range(len(small))]),
        "bicubic": F.interpolate(small, scale_factor=FACTOR, mode="bicubic").clamp(-1, 1),
        "Lanczos": lanczos(small),
    }
    return {name: (psnr(images, large), ssim(images, large)) for name, images in found.items()}


def accuracy_table(rows: dict[str, dict[str, tuple[float, float]]]) -> str:
    """A row for each kind of picture, a column for each method."""
    cells = {
        name: [f"{decibels:.1f} dB, {similarity:.3f}" for decibels, similarity in found.values()]
        for name, found in rows.items()
    }
    return table("", list(next(iter(rows.values()))), cells)


def main() -> None:
    """Measure, and fill the card."""
    parser = argparse.ArgumentParser(description="Measure the enlarger on test renders.")
    parser.add_argument("--people", type=int, default=60, help="test people, one image each")
    parser.add_argument("--folder", type=Path, default=ENLARGER_FOLDER, help="weights, and the card")
    options = parser.parse_args()
    torch.set_num_threads(1)
    scenes = [scene(TEST.first + k, k % TEST.views) for k in range(options.people)]
    small, large = (as_channels_first(render_all(scenes, side)) for side in (SIZE, FACTOR * SIZE))
    network = Enlarger.from_folder(options.folder)
    autoencoder = DiffusionAutoencoder.from_folder(FOLDER_128 / "diffusion")
    kinds = {"renders": small, "samples from their codes": sampled(autoencoder, small, seed=1)}
    rows = {name: measure(network, to_unit(images), to_unit(large)) for name, images in kinds.items()}
    began = time.perf_counter()
    for k in range(len(small)):
        network(to_unit(small[k : k + 1]))
    print(accuracy_table(rows), f"{1000 * (time.perf_counter() - began) / len(small):.0f} ms a picture", sep="\n")
    card = options.folder / "README.md"
    text = fill(card.read_text(encoding="utf-8"), "accuracy", accuracy_table(rows))
    card.write_text(fill(text, "hashes", hashes_table(options.folder)), encoding="utf-8")


if __name__ == "__main__":
    main()
