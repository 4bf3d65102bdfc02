"""When to stop, image by image, and the status of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Status = Literal["moving", "reached", "settled", "failed"]
"""moving: still optimised; reached: its loss is low enough; settled: its loss no longer falls; failed: no step stays
finite.
"""


@dataclass(frozen=True)
class StopOptions:
    """When an image is finished. It then stays unchanged, bit for bit, while others go on; with all, the loop ends.

    Args:
        below: an image is "reached" when its loss is at or below this.
        patience: an image is "settled" after so many updates in a row without a new lowest loss, >= 1.
        improvement: how far below the lowest a loss must be to count as a new lowest, >= 0.

    Raises:
        ValueError: patience or improvement out of range.
    """

    below: float | None = None
    patience: int | None = None
    improvement: float = 0.0

    def __post_init__(self) -> None:
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience must be at least 1 update, or None; got {self.patience}.")
        if not self.improvement >= 0:
            raise ValueError(f"improvement must be at least 0; got {self.improvement}.")


StopRules = StopOptions
"""The former name, kept for existing callers."""


class BatchStatus:
    """Which images of a batch move, and how often the rate of each was halved.

    Args:
        finite: (b,), which images have a finite loss and gradient at the start; the others have failed.
        stop: when to stop.
        halvings: most halvings of an image's rate; one more, and it has failed.
        coupled: images share a variable: what fails for one fails for all.
    """

    def __init__(self, finite: Tensor, stop: StopOptions, halvings: int, coupled: bool) -> None:
        self._stop, self._limit, self._coupled = stop, halvings, coupled
        self.status: list[Status] = ["moving"] * len(finite)
        self.halvings = torch.zeros(len(finite), dtype=torch.long)
        self._lowest = torch.full((len(finite),), float("inf"), dtype=torch.float64)
        self._without_improvement = [0] * len(finite)
        self.fail(~finite)

    @property
    def moving(self) -> Tensor:
        """(b,), on the CPU."""
        return torch.tensor([status == "moving" for status in self.status])

    @property
    def rate(self) -> Tensor:
        """The share of its step that every image makes, (b,): 2^-halvings, 0 where it does not move."""
        return torch.where(self.moving, torch.exp2(-self.halvings.double()), 0.0)

    def add_loss(self, loss: Tensor) -> None:
        """Set "reached" and "settled" by the loss after an update, (b,) or a single value."""
        for i, value in enumerate(loss.double().cpu().expand(len(self.status))):
            if self.status[i] != "moving":
                continue
            lower = bool(value < self._lowest[i] - self._stop.improvement)
            self._lowest[i] = value if lower else self._lowest[i]
            self._without_improvement[i] = 0 if lower else self._without_improvement[i] + 1
            if self._stop.below is not None and value <= self._stop.below:
                self.status[i] = "reached"
            elif self._stop.patience is not None and self._without_improvement[i] >= self._stop.patience:
                self.status[i] = "settled"

    def keep(self, rows: Sequence[int]) -> None:
        """Leave out all images but these."""
        self.status = [self.status[i] for i in rows]
        self.halvings, self._lowest = self.halvings[rows], self._lowest[rows]
        self._without_improvement = [self._without_improvement[i] for i in rows]

    def failing(self, finite: Tensor) -> Tensor:
        """The moving images that are not finite, (b,); all moving ones if they share a variable."""
        found = self.moving & ~finite
        return self.moving if self._coupled and found.any() else found

    def halve(self, failing: Tensor) -> None:
        """Halve the rate of these images; those above the limit have failed."""
        self.halvings += failing
        self.fail(failing & (self.halvings > self._limit))

    def halve_all(self, failing: Tensor) -> None:
        """Halve the common rate of the moving images. Above the limit the failing ones have failed, and the rate of the
        others is restored.
        """
        self.halvings += self.moving
        failed = failing & (self.halvings > self._limit)
        self.fail(failed)
        if failed.any():
            self.halvings[self.moving] = 0

    def fail(self, failed: Tensor) -> None:
        """Set "failed" for these images, (b,)."""
        everything = self._coupled and bool(failed.any())
        for i in range(len(self.status)):
            if failed[i] or (everything and self.status[i] == "moving"):
                self.status[i] = "failed"
