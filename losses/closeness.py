"""Stay near the image one started from."""

from __future__ import annotations

from torch import Tensor

from losses.contract import check_image


class Closeness:
    """Mean squared difference to the start image, over channels and pixels.

    Args:
        start_image: (1, 3, h, w) or (b, 3, h, w) in [-1, 1], of the size of the images to come.
    """

    name = "closeness"

    def __init__(self, start_image: Tensor) -> None:
        self.start = check_image(start_image).detach()

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,) in [0, 4].

        Raises:
            ValueError: the image has another size than the start image.
        """
        if check_image(image).shape[1:] != self.start.shape[1:]:
            raise ValueError(
                f"Closeness compares images of one size; got {tuple(image.shape[1:])} and "
                f"{tuple(self.start.shape[1:])}."
            )
        return (image - self.start.to(image)).square().mean(dim=(1, 2, 3))
