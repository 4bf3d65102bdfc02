"""The kinds of tensors, named once.

`b` is the batch, `*x` the shape of one state (usually `c h w`), `*z` the shape of one conditioning,
`n` the number of steps of the sampler. Shapes are checked while the tests run and cost nothing otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from torch import Tensor

if TYPE_CHECKING:
    from typing import Annotated as Float
else:
    try:
        from jaxtyping import Float
    except ModuleNotFoundError:  # jaxtyping checks shapes in the tests; the library itself needs torch alone

        class Float:
            """Float[Tensor, "b *x"] is Tensor."""

            def __class_getitem__(cls, item: tuple[type, str]) -> type:
                return item[0]


State: TypeAlias = Float[Tensor, "b *x"]
"""x_t: an image, or a noisy state on the way to one."""


@dataclass(frozen=True)
class Scheduled:
    """One conditioning a step, z_0 .. z_{N-1}: step i calls the network with z[i].

    It is a type of its own, because its shape does not differ from that of a single z. Its gradient has its shape: that
    of z_i is the share of step i alone (AdjointDEIS, theorem 2.2: the increment of the adjoint, not the adjoint).

    Args:
        z: stacked on a first axis of one entry a step, (N, *z).
    """

    z: Any


Conditioning: TypeAlias = Tensor | Scheduled | Mapping[str, Any] | Sequence[Any] | None
"""z: what the network is conditioned on, of any shape; one for all steps, one a step, or None."""

Noises: TypeAlias = Float[Tensor, "n b *x"]
"""w_0 .. w_{N-1}: the injected noise of every step, stacked."""

Values: TypeAlias = Float[Tensor, " b"] | Float[Tensor, ""]
"""One loss value an image, or that of a batch of one."""
