"""The experiments: each yields the rows of one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from benchmarks.faces.spectrum import Spectrum, scheduler
from benchmarks.morphing.pairs import other_picture, passport
from clay.evaluation.verification import equal_error_rate, pairs
from clay.networks.images import as_channels_first, to_unit
from clay.people.dataset import TEST, person
from clay.rendering.render import render_all
from losses import Identity
from losses.contract import unit
from losses.faces import FaceNetwork, Square
from losses.faces.warp import cut
from studio.core.settings import parse
from studio.images.load import to_image, to_tensor
from studio.models.interface import Model
from studio.queue.cancel import CancelTokens
from studio.runs.events import Outcome
from studio.runs.request import Request
from studio.runs.steer import steer

SIDE = 256
SIZES = (64, 128, 256)
Row = Sequence[object]


def rates(genuine: Tensor, impostor: Tensor) -> Row:
    """Means and standard deviations of both, extremes, d', and EER, as text."""
    apart = (genuine.mean() - impostor.mean()) / ((genuine.var() + impostor.var()) / 2).sqrt()
    eer = equal_error_rate(genuine.numpy(), impostor.numpy())
    means = [f"{part.mean():.3f} ± {part.std():.3f}" for part in (genuine, impostor)]
    return [*means, f"{genuine.min():.3f}", f"{impostor.max():.3f}", f"{apart:.1f}", f"{100 * eer:.1f} %"]


RATES = ("one person", "two people", "least of one", "most of two", "d'", "EER")


@torch.no_grad()
def embedding(network: Any, picture: Tensor) -> Tensor | None:
    """Unit embedding (1, d) of the largest face; None if no face is found."""
    if isinstance(network, FaceNetwork) and not network.faces(picture):
        return None
    return unit(network(picture))


def of_clay(networks: Mapping[str, Any], people: int) -> Iterator[Row]:
    """Verification of rendered people: one row for each size and network."""
    who = list(range(TEST.first, TEST.first + people))
    for size in SIZES:
        scenes = [(person(i), view) for i in who for view in (passport(), other_picture(i), other_picture(i + 1))]
        pictures = to_unit(as_channels_first(render_all(scenes, size=size)))
        for name, network in networks.items():
            found = [(k // 3, v) for k, one in enumerate(pictures) if (v := embedding(network, one[None])) is not None]
            owners = np.array([owner for owner, _ in found])
            cosines, same, _ = pairs(torch.cat([v for _, v in found]).numpy(), owners)
            values = rates(torch.from_numpy(cosines[same]), torch.from_numpy(cosines[~same]))
            yield [name, size, f"{len(found)} of {len(pictures)}", *values]


def portraits() -> dict[str, Tensor]:
    """Two photographs in the public domain, by NASA and by the US Navy, (1, 3, h, w) in [-1, 1]."""
    from matplotlib.cbook import get_sample_data
    from skimage import data

    pictures: Any = data  # not annotated
    hopper = np.asarray(Image.open(get_sample_data("grace_hopper.jpg", asfileobj=False)).convert("RGB"))
    return {name: to_unit(as_channels_first(one[None])) for name, one in (("c", pictures.astronaut()), ("h", hopper))}


def photographs(finder: FaceNetwork, folder: Path | None) -> dict[str, list[Tensor]]:
    """By photograph, the crop of each face with a margin, (1, 3, 256, 256)."""
    pictures = portraits()
    for path in sorted(folder.iterdir()) if folder else []:
        if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
            pictures[path.stem] = to_unit(as_channels_first(np.asarray(Image.open(path).convert("RGB"))[None]))
    around = {name: [wide(face.square) for face in finder.faces(one)] for name, one in pictures.items()}
    return {name: [cut(pictures[name], [place], SIDE) for place in places] for name, places in around.items()}


def wide(place: Square) -> Square:
    """The crop of the whole head."""
    return Square(place.x, place.y, 1.6 * place.side)


def views(face: Tensor) -> Iterator[Tensor]:
    """The face itself, mirrored, at half size, darker and blurred."""
    yield face
    yield face.flip(3)
    yield F.interpolate(face, scale_factor=0.5, mode="bilinear", antialias=True)
    yield 0.7 * face - 0.1
    yield F.avg_pool2d(F.pad(face, (2,) * 4, mode="replicate"), 5, 1)


def of_photographs(networks: Mapping[str, Any], faces: Mapping[str, list[Tensor]]) -> Iterator[Row]:
    """Views of a face compared with each other and with other faces: one row for each network."""
    for name, network in networks.items():
        own, others, missed = [], [], 0
        alone = [embedding(network, one) for shown in faces.values() if len(shown) == 1 for one in shown]
        for shown in faces.values():
            found = [[v for one in views(face) if (v := embedding(network, one)) is not None] for face in shown]
            missed += sum(5 - len(v) for v in found)
            stacked = [torch.cat(v) for v in found if len(v) > 1]
            own += [(v[0] * v[1:]).sum(1) for v in stacked]
            others += [(stacked[i] @ stacked[j].T).flatten() for i in range(len(stacked)) for j in range(i)]
        known = torch.cat([v for v in alone if v is not None])
        others.append((known @ known.T)[tuple(np.triu_indices(len(known), 1))])
        yield [name, len(own), missed, *rates(torch.cat(own), torch.cat(others))]


def slopes(networks: Mapping[str, FaceNetwork], face: Tensor, other: Tensor) -> Iterator[Row]:
    """The gradient of the identity loss compared with central differences: one row for each network."""
    for name, network in networks.items():
        exact = network.double()
        x, y = face.double(), other.double()
        loss = Identity(exact.at(y), y, seen_by=exact.at(x))
        at = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(at).sum(), at)
        worst, rng = 0.0, torch.Generator().manual_seed(0)
        for _ in range(5):
            along = torch.randn(x.shape, generator=rng, dtype=x.dtype)
            with torch.no_grad():
                slope = float(loss(x + 1e-8 * along) - loss(x - 1e-8 * along)) / 2e-8
            worst = max(worst, abs(slope - float((gradient * along).sum())) / abs(slope))
        yield [name, f"{float(gradient.norm()):.2e}", f"{worst:.1e}", bool(gradient.isfinite().all())]
        network.float()


def steered(loss: FaceNetwork, first: Tensor, second: Tensor, steps: int, rate: float, mode: str) -> Tensor:
    """The result of the studio's run, (1, 3, 256, 256)."""
    model = Model(
        name="spectrum",
        digest="0" * 64,
        size=SIDE,
        network=Spectrum(SIDE),
        encode=lambda image: None,
        scheduler=scheduler,
        clip=None,
        tokenizer=None,
        identity=loss,
        device=torch.device("cpu"),
    )
    values = {"loss": "identity", "mode": mode, "variables": "noise", "noise_rate": rate, "closeness": 1.0}
    settings = parse({**values, "sampling_steps": 10, "optimisation_steps": steps})
    *_, outcome = steer(model, Request(settings, to_image(first), to_image(second)), CancelTokens().new_token())
    assert isinstance(outcome, Outcome)
    return to_tensor(outcome.after)


def in_pixels(loss: FaceNetwork, first: Tensor, second: Tensor, steps: int, rate: float) -> Tensor:
    """The result of the same number of normalised gradient steps on pixels."""
    identity, x = Identity(loss.at(second), second, loss.at(first)), first.clone()
    for _ in range(steps):
        x.requires_grad_()
        (gradient,) = torch.autograd.grad(identity(x).sum(), x)
        x = (x.detach() - rate * gradient / gradient.square().mean().sqrt()).clamp(-1, 1)
    return to_tensor(to_image(x))


def of_steering(
    networks: Mapping[str, FaceNetwork], first: Tensor, second: Tensor, steps: int, keep: Path | None
) -> Iterator[Row]:
    """Steering `first` towards `second` with each network in the loss: one row for each network and method."""
    first, second = (to_tensor(to_image(one)) for one in (first, second))
    methods: dict[str, Callable[[FaceNetwork], Tensor]] = {
        "start": lambda loss: first,
        "spectrum, ODE": lambda loss: steered(loss, first, second, steps, 0.006, "ode"),
        "spectrum, SDE": lambda loss: steered(loss, first, second, steps, 0.003, "sde"),
        "pixels": lambda loss: in_pixels(loss, first, second, steps, 0.004),
    }
    for name, loss in networks.items():
        for method, make in methods.items():
            after = make(loss)
            if keep is not None:
                to_image(after).save(keep / f"{name}-{method.replace(', ', '-').lower()}.png")
            similar = {who: cosine(one, after, second) for who, one in networks.items()}
            changed = float((after - first).abs().mean()) * 127.5
            yield [name, method, *(f"{value:.3f}" for value in similar.values()), f"{changed:.1f}"]


def cosine(network: FaceNetwork, picture: Tensor, other: Tensor) -> float:
    """Cosine of the largest faces of two images; NaN if a face is not found."""
    a, b = embedding(network, picture), embedding(network, other)
    return float("nan") if a is None or b is None else float((a * b).sum())
