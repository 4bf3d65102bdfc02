"""The kinds of tensors, named once.

`b` is the batch, `*x` the shape of one state (usually `c h w`), `*z` the shape of one conditioning,
`n` the number of steps of the sampler. Shapes are checked while the tests run and cost nothing otherwise.
"""

from typing import TypeAlias

from jaxtyping import Float
from torch import Tensor

State: TypeAlias = Float[Tensor, "b *x"]
"""x_t: an image, or what becomes one."""

Conditioning: TypeAlias = Float[Tensor, "..."] | None
"""z: whatever the network is conditioned on, of any shape, or nothing."""

Noises: TypeAlias = Float[Tensor, "n b *x"]
"""w_0 .. w_{N-1}: the injected noise of every step, stacked."""

Values: TypeAlias = Float[Tensor, " b"] | Float[Tensor, ""]
"""One loss value an image (or a single value that is already summed)."""
