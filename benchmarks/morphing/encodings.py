"""The start of morphs: faces encoded, and their codes interpolated."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from adjointdeis import CountedModel, Encoding, encode, prepared
from benchmarks.clock import clock
from benchmarks.morphing.methods import Method
from benchmarks.morphing.pairs import Pair
from clay.world import ClayWorld
from studio.runs.interpolation import Code, interpolate


class Faces(NamedTuple):
    """Passport images of the people of b pairs, (b, 3, h, w) each."""

    first: Tensor
    second: Tensor
    pairs: tuple[Pair, ...]

    @property
    def numbers(self) -> list[int]:
        """The numbers of the pairs."""
        return [pair.number for pair in self.pairs]


@dataclass(frozen=True)
class Encoded:
    """The codes of a pair's two faces, or one code of the mean image, and their cost."""

    codes: tuple[Code, ...]
    calls: int
    seconds: float

    def at(self, share: float) -> Code:
        """The code interpolated between the two faces at `share` in [0, 1]."""
        return self.codes[0] if len(self.codes) == 1 else interpolate(self.codes[0], self.codes[1], share)


@dataclass
class Encoder:
    """Encodes pairs, and caches the codes, which several methods share."""

    world: ClayWorld
    known: dict[tuple[object, ...], Encoded] = field(default_factory=dict)

    def __call__(self, method: Method, faces: Faces) -> list[Encoded]:
        """The codes of each pair."""
        steps = method.encoding or method.steps
        order = method.order if method.sde else 1  # an ODE of order 2 cannot be inverted step by step
        recipe = (method.sde, order, method.family if method.sde else "", steps, method.iterations, method.start)
        new = [k for k, number in enumerate(faces.numbers) if (recipe, number) not in self.known]
        # one by one for an SDE, so that its noises do not depend on the batch
        for part in [[k] for k in new] if method.sde else [new] if new else []:
            self._encode(method, order, steps, faces, part, recipe)
        return [self.known[recipe, number] for number in faces.numbers]

    @torch.no_grad()
    def _encode(
        self, method: Method, order: int, steps: int, faces: Faces, part: Sequence[int], recipe: tuple[object, ...]
    ) -> None:
        now = clock(self.world.device)
        began, model = now(), CountedModel(self.world.autoencoder)
        first, second = faces.first[list(part)], faces.second[list(part)]
        faces_of = [(first + second) / 2] if method.start == "average" else [first, second]
        images = torch.cat(faces_of)
        z = self.world.autoencoder.encode(images)
        solver = Method("", sde=method.sde, order=order, family=method.family)
        sampler = solver.sampler(copy.deepcopy(self.world.scheduler), steps)
        generator = torch.Generator().manual_seed(faces.numbers[part[0]])
        conditioning = prepared(self.world.autoencoder.prepare, z)
        found: Encoding = encode(model, sampler, images, conditioning, generator, iterations=method.iterations)
        calls, seconds = len(faces_of) * model.calls, (now() - began) / len(part)
        for row, k in enumerate(part):
            at = [row + len(part) * face for face in range(len(faces_of))]
            codes = [
                Code(z[i : i + 1], found.x_T[i : i + 1], None if found.noises is None else found.noises[:, i : i + 1])
                for i in at
            ]
            self.known[recipe, faces.numbers[k]] = Encoded(tuple(codes), calls, seconds)


def together(codes: Sequence[Code]) -> Code:
    """The codes of several morphs as one batch."""
    noises = [code.noises for code in codes if code.noises is not None]
    return Code(
        torch.cat([code.z for code in codes if code.z is not None]),
        torch.cat([code.x_T for code in codes]),
        torch.cat(noises, dim=1) if noises else None,
    )
