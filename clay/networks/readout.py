"""`Readout`: a linear map from a network's code to the parameters of the scene, used in training only.

Trained beside the network's own loss, it makes the parameters linear in the code, where gradients and interpolations
can change them.
"""

from typing import Generic, TypeVar

import torch.nn.functional as F
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


class Readout(nn.Module, Generic[Network]):
    """A network, and a linear map from its codes to the parameters of the scene.

    Args:
        network: the network that is trained and kept.
        width: length of its codes.
        size: number of parameters.
    """

    network: Network

    def __init__(self, network: Network, width: int, size: int) -> None:
        super().__init__()
        self.network = network
        self.read = nn.Linear(width, size)

    def loss(self, code: Tensor, parameters: Tensor) -> Tensor:
        """Mean squared error of the parameters (n, size) predicted from codes (n, width); a scalar."""
        return F.mse_loss(self.read(code), parameters)
