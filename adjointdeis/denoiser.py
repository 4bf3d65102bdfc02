"""The signature of a network, and what its output means.

    net(t, x_t, z) -> output, of the shape of x_t
        t (b,)          time, integer or floating as in the grid
        x_t (b, *x)     state
        z               conditioning of any shape, or None

For every prediction type, the two quantities that samplers are written in are linear in the output:

    x0_hat  = a x_t + b net        eps_hat = c x_t + d net

    prediction      a        b             c           d
    epsilon         1/alpha  -sigma/alpha  0           1
    sample          0        1             1/sigma     -alpha/sigma
    v_prediction    alpha    -sigma        sigma       alpha         (v = alpha eps - sigma x0, Salimans & Ho 2022)
    flow_prediction 1        -sigma        1           alpha         (u = eps - x0, alpha + sigma = 1)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, Protocol, get_args, runtime_checkable

from torch import Tensor

Prediction = Literal["epsilon", "sample", "v_prediction", "flow_prediction"]


@runtime_checkable
class Denoiser(Protocol):
    """A network, or a wrapper around one (guidance, counting, casting)."""

    def __call__(self, t: Tensor, x: Tensor, z: Any, /) -> Any:
        """net(t, x_t, z)."""


def tensor_of(output: Any) -> Tensor:
    """The prediction in what a network returned: a tensor, a ModelOutput of diffusers, or a tuple that starts with it.

    Raises:
        ValueError: anything else.
    """
    if isinstance(output, Tensor):
        return output
    found = output
    if isinstance(output, Mapping):  # a ModelOutput; its first field is the prediction
        found = output.get("sample", next(iter(output.values()), None))
    elif isinstance(output, tuple) and output:
        found = output[0]
    if not isinstance(found, Tensor):
        inside = "" if found is output else f" that starts with {type(found).__name__}"
        raise ValueError(
            f"The network must return a tensor, or a tuple or ModelOutput that starts with one; got "
            f"{type(output).__name__}{inside}."
        )
    return found


def wrapped(model: Denoiser) -> Iterator[Any]:
    """The network, then the one that it holds as `model`, and so on."""
    network: Any = model
    while network is not None:
        yield network
        network = getattr(network, "model", None)


class Linear(NamedTuple):
    """Weights of the quantity `state * x_t + output * net`."""

    state: float
    output: float


def check_prediction(prediction: str) -> None:
    """Raises ValueError unless `prediction` is one of the four above."""
    if prediction not in get_args(Prediction):
        raise ValueError(f"prediction_type must be one of {', '.join(get_args(Prediction))}; got {prediction!r}.")


def to_x0(prediction: Prediction, alpha_t: float, sigma_t: float) -> Linear:
    """x0_hat at a node.

    Raises:
        ValueError: epsilon prediction at alpha_t = 0, where x_t does not depend on the image.
    """
    match prediction:
        case "epsilon":
            if alpha_t == 0:
                raise ValueError(
                    "An epsilon prediction has no x0_hat at alpha = 0 (zero terminal SNR); use v_prediction, "
                    "timestep_spacing='leading', or a lower noise level."
                )
            return Linear(1 / alpha_t, -sigma_t / alpha_t)
        case "sample":
            return Linear(0.0, 1.0)
        case "v_prediction":
            return Linear(alpha_t, -sigma_t)
        case "flow_prediction":
            return Linear(1.0, -sigma_t)


def to_eps(prediction: Prediction, alpha_t: float, sigma_t: float) -> Linear:
    """eps_hat at a node.

    Raises:
        ValueError: sample prediction at sigma_t = 0, where x_t does not depend on the noise.
    """
    match prediction:
        case "epsilon":
            return Linear(0.0, 1.0)
        case "sample":
            if sigma_t == 0:
                raise ValueError(
                    "A sample (x0) prediction does not determine the noise at sigma = 0; end the grid at "
                    "sigma_min (final_sigmas_type='sigma_min')."
                )
            return Linear(1 / sigma_t, -alpha_t / sigma_t)
        case "v_prediction":
            return Linear(sigma_t, alpha_t)
        case "flow_prediction":
            return Linear(1.0, alpha_t)


def to_flow(prediction: Prediction, alpha_t: float, sigma_t: float) -> Linear:
    """u_hat = eps_hat - x0_hat at a node of a flow.

    Raises:
        ValueError: as to_x0 and to_eps do.
    """
    if prediction == "flow_prediction":
        return Linear(0.0, 1.0)
    (a, b), (c, d) = to_x0(prediction, alpha_t, sigma_t), to_eps(prediction, alpha_t, sigma_t)
    return Linear(c - a, d - b)
