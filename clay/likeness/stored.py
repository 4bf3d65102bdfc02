"""`StoredNetwork`: what the networks that read a parsed face share: their width and their files."""

from pathlib import Path
from typing import ClassVar, Self

from torch import nn

from clay.networks.storage import read_network, save_network


class StoredNetwork(nn.Module):
    """A network of which the width of the hidden layers is the only argument.

    Args:
        hidden: the width.
    """

    noun: ClassVar[str]
    """What the network is, for error messages."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden

    def save_folder(self, folder: Path) -> None:
        """Write config.json and model.safetensors in half precision."""
        save_network(self, {"hidden": self.hidden}, folder)

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Load what `save_folder` wrote, on the CPU, frozen and in eval mode.

        Raises:
            FileNotFoundError: a file is missing; the message names it.
        """
        config, weights = read_network(folder, cls.noun)
        model = cls(config["hidden"])
        model.load_state_dict(weights)
        return model.float().eval().requires_grad_(False)
