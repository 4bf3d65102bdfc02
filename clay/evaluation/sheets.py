"""The contact sheets of the model card: `python -m clay.evaluation.sheets`.

faces.png: rendered people. samples.png, in rows: test faces; reconstructions from (z, x_T); samples from z with a
random x_T; the coarse image m(z); two morphs (z interpolated linearly, x_T spherically). roc.png: ROC curves of the
embedders.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from clay.evaluation.batches import in_batches
from clay.evaluation.verification import roc
from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.images import as_channels_first, to_bytes, to_unit
from clay.networks.sampling import ddim, slerp, times
from clay.people.dataset import TEST, scene
from clay.rendering.dataset import DEFAULT_FOLDER, load_images
from clay.world import DEFAULT_FOLDER as WORLD
from clay.world import ClayWorld, load_world

_STEPS = 20
_COLUMNS = 8


def tile(images: np.ndarray, columns: int = _COLUMNS, zoom: int = 1) -> Image.Image:
    """(n, h, w, 3) uint8 -> one image with `columns` images per row, enlarged `zoom` times."""
    rows = [np.concatenate(images[i : i + columns], 1) for i in range(0, len(images), columns)]
    image = Image.fromarray(np.concatenate(rows, 0))
    return image.resize((image.width * zoom, image.height * zoom), Image.Resampling.BICUBIC)


def faces(count: int = 48) -> Image.Image:
    """The first people of the test split, rendered at 128 pixels."""
    from clay.rendering.render import render_all  # numba is needed here only

    return tile(render_all([scene(TEST.first + i, 0) for i in range(count)], size=128))


def _morph(model: DiffusionAutoencoder, x_T: Tensor, z: Tensor, weights: Tensor) -> Tensor:
    w = weights[:, None]
    return ddim(model, slerp(x_T[0], x_T[1], weights), (1 - w) * z[0] + w * z[1], times(_STEPS))


@torch.no_grad()
def samples(model: DiffusionAutoencoder, image: Tensor) -> Image.Image:
    """The rows of samples.png for images (8, 3, 64, 64) in [-1, 1]."""
    z, grid = model.encode(image), times(_STEPS)
    x_T = ddim(model, image, z, grid.flip(0))
    fresh = torch.randn(image.shape, generator=torch.Generator().manual_seed(1))
    weights = torch.linspace(0, 1, _COLUMNS)
    rows = [
        image,
        ddim(model, x_T, z, grid),
        ddim(model, fresh, z, grid),
        model.decoder(z).mean,
        _morph(model, x_T[:2], z[:2], weights),
        _morph(model, x_T[2:4], z[2:4], weights),
    ]
    return tile(to_bytes(torch.cat(rows)), zoom=2)


def draw_roc(world: ClayWorld, images: Tensor, path: Path) -> None:
    """Save the ROC curve of each embedder, over all pairs of the test images (n, 3, 64, 64) uint8."""
    from matplotlib.figure import Figure  # needed here only

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot(xscale="log", xlabel="false match rate", ylabel="true match rate", xlim=(1e-4, 1))
    for name, network in world.embedders.items():
        axes.plot(*roc(in_batches(network, images).numpy(), TEST.owners()), label=name)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=110)


def main() -> None:
    """Draw and save all sheets."""
    parser = argparse.ArgumentParser(description="Draw the contact sheets of the model card.")
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER, help="images made by clay.rendering.dataset")
    parser.add_argument("--world", type=Path, default=WORLD, help="folder of the weights and the sheets")
    parser.add_argument("--only-samples", action="store_true", help="do not render faces.png again")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not options.only_samples:
        faces().save(options.world / "faces.png")
    world = load_world(options.world)
    images = as_channels_first(load_images(TEST, options.data))
    samples(world.autoencoder, to_unit(images[3 :: TEST.views][:_COLUMNS])).save(options.world / "samples.png")
    draw_roc(world, images, options.world / "roc.png")


if __name__ == "__main__":
    main()
