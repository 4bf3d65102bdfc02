"""What the training commands share: arguments, the training images, and running the loop."""

import argparse
import copy
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from clay.networks.images import as_channels_first
from clay.people.dataset import TRAIN
from clay.rendering.dataset import DEFAULT_FOLDER, load_images
from clay.training.loop import LossFunction, Network, Plan, train

SHARE = "of the new weights in what is saved, beside those of --start"
"""Help of `--share`, see `mixed`."""


def arguments(description: str, *, steps: int, rate: float, out: str) -> argparse.ArgumentParser:
    """A parser with the arguments of all training commands.

    Args:
        description: for --help.
        steps: default of --steps.
        rate: default of --rate.
        out: name of the default output folder in assets/clay.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER, help="images made by clay.rendering.dataset")
    parser.add_argument("--people", type=int, help="people of the training split to use; all of them if left out")
    parser.add_argument("--runs", type=Path, default=Path("runs/clay"), help="folder for checkpoints")
    parser.add_argument("--out", type=Path, default=Path("assets/clay") / out, help="folder for the weights")
    parser.add_argument("--steps", type=int, default=steps, help="number of steps")
    parser.add_argument("--rate", type=float, default=rate, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of all random numbers")
    parser.add_argument("--threads", type=int, default=1, help="number of torch threads")
    parser.add_argument("--device", default="cpu", help="device to train on, such as cpu or cuda")
    return parser


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the command line, and set torch's threads and seed."""
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    return options


def keep_heads(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load weights of an earlier version of a network with `heads`, and freeze them: only heads that it lacks train.

    Args:
        network: has a linear layer by attribute in `heads`.
        weights: of the same network, perhaps with fewer heads.
    """
    network.load_state_dict(weights, strict=False)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name not in weights)


def mixed(first: Network, second: Network, share: float) -> Network:
    """(1 - share) of the weights of one network and a share of those of another one that was trained on from it.

    The mean keeps what training did not show, such as photographs, better than the second network (weight-space
    ensembles, Wortsman et al. 2022, arXiv 2109.01903).
    """
    result = copy.deepcopy(first).requires_grad_(False)
    weights = second.state_dict()
    for name, weight in result.state_dict().items():  # the network's own tensors
        weight.copy_(weight.lerp(weights[name], share) if weight.is_floating_point() else weights[name])
    return result


def made_once(path: Path, make: Callable[[], Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays in a .npz file, which is made if it is missing."""
    if not path.exists():
        arrays = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **arrays)  # type: ignore[arg-type]
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def training_images(options: argparse.Namespace) -> Tensor:
    """The images of the training split on the chosen device, (n, 3, size, size) uint8, in the order of its scenes."""
    return as_channels_first(load_images(TRAIN.first_people(options.people), options.data)).to(options.device)


def run(
    network: Network,
    losses: LossFunction[Network],
    plan: Plan,
    checkpoint: Path,
    save: Callable[[Network], None],
) -> None:
    """Train, print the progress, and pass the network with averaged weights to `save` at every checkpoint."""
    for progress in train(network, losses, plan, checkpoint):
        print(progress.line, flush=True)
        if progress.saved:
            save(progress.average)
