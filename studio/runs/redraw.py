"""`Redraw`: fresh noise where the image that z predicts has changed, so that nothing of the start shows through there.

The noises w_i of an encoded image hold the details that its code z_0 does not predict. Where a new code z predicts
another image, they are details of something that is no longer there. With m(z) and s(z) the mean and the spread of the
pixels given z,

    M(z)   = clamp((B(|m(z) - m(z_0)| / max(s(z), s(z_0))) - 1) / width, 0, 1)     B: largest over channels and 5 x 5
                                                                                   pixels, then the mean of 5 x 5
    w_i(z) = sqrt(1 - M) w_i + sqrt(M) e_i,   e_i ~ N(0, 1), drawn once

which has the variance of noise. After each step the noises change by w_i(z after) - w_i(z before), so what the
optimiser added to them stays. An edit of a chain begins at a code z_1 with noises w_i(z_1) + v_i, v_i from the edits
before it: details of the image at z_1. There w_i(z) has also the term (1 - M_1(z)) v_i, M_1 with z_1 in place of z_0.

`unchanged` is 1 - M, the weight of each pixel in the closeness to the start. `Goal.redraw` is the width: 1 for edits,
where anything of the start that shows through is wrong, 2 for persons, 4 for morphs. Where only a part of the picture
may change, M is 0 outside of it.

A morph, `RedrawBetween`, has the details of each person where z predicts what that person's code predicts. With M_a and
M_b as above for the two people, K_a = 1 - M_a, K_b = 1 - M_b, K = max(K_a, K_b) and s = K_a / (K_a + K_b),

    w_i(z) = sqrt(K) (sqrt(s) w_i,a + sqrt(1 - s) w_i,b) + sqrt(1 - K) e_i

Without it the outlines of both show through, of hair for example that only one of them has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from adjointdeis.guide.step_options import Projection
from studio.core.settings import Settings
from studio.models.interface import Model
from studio.runs.interpolation import Code

Predicted = tuple[Tensor, Tensor]
"""Mean (b, 3, h, w) and spread of the pixels given z."""
DecodeCode = Callable[[Tensor], Predicted]
"""z (b, d) -> what it predicts."""
_SIDE = 5


class Redraw:
    """Which noises and which closeness belong to a code.

    Args:
        decode: mean and spread of the pixels given z.
        seed: of the fresh noise.
        width: spreads from the first fresh noise to nothing else, above 0.

    `unchanged` belongs to the latest code. `within`, (1, 1, h, w) in [0, 1], is where M may be above 0.
    """

    def __init__(self, decode: DecodeCode, seed: int, width: float) -> None:
        self._decode, self._seed, self._width = decode, seed, width
        self.unchanged = self.within = torch.ones(())

    def projection(self, start: Code, reached: Code | None = None) -> Projection:
        """For `adjointdeis.StepOptions.project`: adds w(z after) - w(z before) to the noises, and sets `unchanged`.

        Args:
            start: z (b, d) and noises (N, b, c, h, w), at the size of the image.
            reached: where an edit of a chain begins, if not at `start`.
        """
        z, noises = _known(start)
        first, fresh = self._decoded(z), self._fresh(noises)

        def of_start(changed: Tensor) -> Tensor:
            return (1 - changed).sqrt() * noises + changed.sqrt() * fresh

        last = z, noises  # a code with its noises
        # the image of earlier edits, and what they added to the noises
        earlier_edits: tuple[Predicted, Tensor] | None = None
        if reached is not None and reached.z is not None and reached.noises is not None:
            edited = self._decoded(reached.z)
            changed = self._changed(first, edited)
            earlier_edits = edited, reached.noises - of_start(changed)
            last, self.unchanged = (reached.z, reached.noises), 1 - changed

        def noises_of(code: Tensor) -> Tensor:
            now = self._decoded(code)
            changed = self._changed(first, now)
            self.unchanged = 1 - changed
            found = of_start(changed)
            if earlier_edits is not None:
                image, added = earlier_edits
                found = found + (1 - self._changed(image, now)) * added
            return found

        return _following(noises_of, *last)

    def _fresh(self, noises: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(self._seed)
        return torch.randn(noises.shape, generator=generator, dtype=noises.dtype).to(noises.device)

    def _changed(self, start: Predicted, now: Predicted) -> Tensor:
        """M, (b, 1, h, w)."""
        (mean, spread), (mean_0, spread_0) = now, start
        change = ((mean - mean_0).abs() / torch.maximum(spread, spread_0)).amax(dim=1, keepdim=True)
        largest = F.max_pool2d(change, _SIDE, stride=1, padding=_SIDE // 2)
        smooth = F.avg_pool2d(F.pad(largest, [_SIDE // 2] * 4, mode="replicate"), _SIDE, stride=1)
        return ((smooth - 1) / self._width).clamp(0, 1) * self.within

    @torch.no_grad()
    def _decoded(self, z: Tensor) -> Predicted:
        return self._decode(z)


class RedrawBetween(Redraw):
    """The same for a morph of two people; `unchanged` is K.

    Args:
        decode, seed, width: as for `Redraw`.
        first, second: the codes of both people, with z and noises.
    """

    def __init__(self, decode: DecodeCode, seed: int, width: float, first: Code, second: Code) -> None:
        super().__init__(decode, seed, width)
        self._people = first, second

    def projection(self, start: Code, reached: Code | None = None) -> Projection:
        """For `adjointdeis.StepOptions.project`; the noises of `start` may be others than w(z)."""
        (z_a, w_a), (z_b, w_b) = map(_known, self._people)
        a, b, fresh = self._decoded(z_a), self._decoded(z_b), self._fresh(w_a)

        def noises_of(code: Tensor) -> Tensor:
            now = self._decoded(code)
            k_a, k_b = 1 - self._changed(a, now), 1 - self._changed(b, now)
            s, k = k_a / (k_a + k_b).clamp_min(1e-6), torch.maximum(k_a, k_b)
            self.unchanged = k
            return k.sqrt() * (s.sqrt() * w_a + (1 - s).sqrt() * w_b) + (1 - k).sqrt() * fresh

        return _following(noises_of, *_known(start))


def _known(code: Code) -> tuple[Tensor, Tensor]:
    """z and the noises of a code that has both."""
    assert code.z is not None
    assert code.noises is not None
    return code.z, code.noises


def _following(noises_of: Callable[[Tensor], Tensor], z: Tensor, noises: Tensor) -> Projection:
    """Adds w(z after) - w(z before) to the noises; at `z`, where the updates begin, w is `noises`."""
    last = z, noises

    def project(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> dict[str, Tensor]:
        nonlocal last
        earlier = last[1] if torch.equal(last[0], before["z"]) else noises_of(before["z"])
        last = after["z"].clone(), noises_of(after["z"])
        return {"noises": after["noises"] + last[1] - earlier}

    return project


def redraw_for(model: Model, settings: Settings, people: Sequence[Code] = ()) -> Redraw | None:
    """None for goals and models without it, and where z and the noises are not both optimised; `people` of a morph."""
    optimised = settings.mode == "sde" and settings.variables == "both"
    if not (settings.goal.redraw and optimised) or model.decode_code is None or model.latent is not None:
        return None
    if people:
        return RedrawBetween(model.decode_code, settings.seed, settings.goal.redraw, *people)
    return Redraw(model.decode_code, settings.seed, settings.goal.redraw)
