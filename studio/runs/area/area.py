"""`Area`: the only part of the picture that may change.

With the mask M in [0, 1], 0 outside, a run differs from one without an area in this:

    steps      of the noise are multiplied by M; where noise is drawn again, the change is, too
    hold       outside, the noise is solved again for the start at every new z: M w + (1 - M) w(start, z)
    loss       + 5 mean (1 - M) |x - start|^2
    shown      M x + (1 - M) start in place of x, for losses, images and result; if the settings ask for it

The last one makes every pixel with M = 0 that of the start, bit for bit. M falls to 0 within a few pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from losses import Closeness
from studio.core.errors import UserError
from studio.core.goals import AUTOMATIC, NAMED
from studio.core.painted import SIDE, cells
from studio.core.settings import Settings
from studio.images.load import to_image
from studio.models.interface import Model
from studio.runs.area.automatic import found_automatically
from studio.runs.area.edges import feathered, widened
from studio.runs.events import AreaReport
from studio.runs.goals.objective import Objective


@dataclass(frozen=True)
class Area:
    """See above.

    Args:
        mask: M, (1, 1, h, w) in [0, 1].
        start: (1, 3, h, w) in [-1, 1].
        exact: whether the start's own pixels are shown outside.
    """

    mask: Tensor
    start: Tensor
    exact: bool
    outside: Closeness = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "outside", Closeness(self.start, lambda: 1 - self.mask))

    def shown(self, image: Tensor) -> Tensor:
        """The image, or its composite with the start."""
        return torch.lerp(self.start, image, self.mask) if self.exact else image

    def of_state(self, shape: tuple[int, ...]) -> Tensor | None:
        """M at the size of a state (c, h, w); None for a state without places, such as packed latents."""
        if len(shape) != 3:
            return None
        size = (shape[-2], shape[-1])
        return self.mask if self.mask.shape[-2:] == size else F.interpolate(self.mask, size, mode="area")

    @property
    def picture(self) -> Image.Image:
        """The start, darkened outside."""
        return darkened(self.start, self.mask)

    def report(self, before: Image.Image, after: Image.Image) -> AreaReport:
        """The difference of two images outside."""
        outside = (self.mask == 0)[0, 0].cpu().numpy()
        before_levels, after_levels = (np.asarray(image, dtype=np.int16)[outside] for image in (before, after))
        change = np.abs(after_levels - before_levels)
        mean, largest = (float(change.mean()), int(change.max())) if change.size else (0.0, 0)
        return AreaReport(self.picture, 1 - float(outside.mean()), mean, largest, self.exact)


def darkened(start: Tensor, mask: Tensor) -> Image.Image:
    """An image, dark where the mask is 0."""
    return to_image(torch.lerp(0.25 * start - 0.75, start, mask))


def area_for(model: Model, settings: Settings, start: Tensor, objective: Objective) -> Area | None:
    """The area of a request; None if the whole picture may change.

    Args:
        model: its `parts` are used.
        settings: which parts and cells.
        start: (1, 3, size, size) in [-1, 1].
        objective: of the run, for the parts "automatic" and "prompt".

    Raises:
        UserError: a part that the model does not have, or that this picture does not show.
    """
    if settings.everywhere:
        return None
    names = settings.parts - {AUTOMATIC, NAMED}
    named = _named_parts(model, objective) if NAMED in settings.parts else []
    parts = parts_of(model, start) if names or named else {}
    masks = [part_mask(parts, name) for name in sorted(names)]
    masks += [part_mask(parts, name) for name in named if name in parts and (parts[name] > 0.5).any()]
    if AUTOMATIC in settings.parts:
        masks.append(found_automatically(model, start, objective))
    if settings.painted:
        masks.append(painted_mask(settings.painted, start))
    if not masks:  # the prompt names no part, or this picture does not show it
        return None
    mask = torch.stack(masks).amax(dim=0)
    return Area(mask, start, settings.outside == "exact")


def _named_parts(model: Model, objective: Objective) -> list[str]:
    """The parts of all attributes that the prompt names; none if those of one are not known."""
    parts = [model.parts_of_attributes.get(name, ()) for name in objective.attributes]
    return sorted({part for one in parts for part in one}) if all(parts) else []


def parts_of(model: Model, start: Tensor) -> Mapping[str, Tensor]:
    """Probabilities of the parts of an image; none for a model that finds no parts."""
    return {} if model.parts is None else model.parts(start)


def part_mask(parts: Mapping[str, Tensor], name: str) -> Tensor:
    """The mask of one part, with a margin.

    Raises:
        UserError: there is no such part, or no pixel of it.
    """
    if name not in parts:
        known = ", ".join((*parts, AUTOMATIC))
        raise UserError(f"Change only: this model finds no part “{name}” in this picture; choose among {known}.")
    hard = (parts[name] > 0.5).float()
    if not hard.any():
        raise UserError(f"Change only: this picture shows no {name}; choose another part, or paint the area.")
    return feathered(widened(hard))


def painted_mask(text: str, start: Tensor) -> Tensor:
    """The mask of painted cells."""
    grid = torch.tensor(cells(text), dtype=start.dtype, device=start.device).view(1, 1, SIDE, SIDE)
    return feathered(F.interpolate(grid, start.shape[-2:]))
