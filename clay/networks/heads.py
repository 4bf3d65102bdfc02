"""`AttributeHeads`: linear classifiers on the autoencoder's code, and the code's covariance, for losses."""

from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from clay.networks.storage import read_network, save_network
from clay.people.attributes import ATTRIBUTES
from clay.people.vectors import PERSON_SIZE, person_weights


class AttributeHeads(nn.Module):
    """code z (b, 128) -> logits by attribute, W_k z + b_k.

    The attribute classifier (`clay.networks.attribute_classifier`) shares no weights with them, so it is held out in
    edits that use them. `root` is P with P^2 the covariance of z over training images, mixed with a tenth of its mean
    variance in every direction: directions in which images do not differ keep a length. `person` maps z to the
    weighted parameters of the person minus their mean, so that the cosine of two of them compares two people.

    Args:
        code: length of z.
    """

    def __init__(self, code: int = 128) -> None:
        super().__init__()
        self.code = code
        self.person = nn.Linear(code, PERSON_SIZE).requires_grad_(False)
        self.root: Tensor
        self.register_buffer("root", torch.eye(code))
        self.heads = nn.ModuleDict({name: nn.Linear(code, len(classes)) for name, classes in ATTRIBUTES.items()})

    def forward(self, z: Tensor) -> dict[str, Tensor]:
        """Logits by attribute, each (b, classes), classes in the order of `ATTRIBUTES`."""
        return {name: head(z) for name, head in self.heads.items()}

    @torch.no_grad()
    def measure_root(self, codes: Tensor, shrinkage: float = 0.1) -> None:
        """Set `root` from the codes of training images, (n, d)."""
        covariance = torch.cov(codes.double().T)
        mean_variance = covariance.diagonal().mean() * torch.eye(self.code, dtype=torch.float64, device=codes.device)
        values, vectors = torch.linalg.eigh(torch.lerp(covariance, mean_variance, shrinkage))
        self.root.copy_((vectors * values.sqrt()) @ vectors.T)

    @torch.no_grad()
    def fit_person(self, codes: Tensor, people: Tensor, penalty: float = 5.0) -> None:
        """Set `person` by ridge regression from codes (n, d) to the vectors of their people (n, `PERSON_SIZE`)."""
        targets = people.double() * torch.tensor(person_weights(), dtype=torch.float64, device=people.device)
        inputs = torch.cat([codes.double(), codes.new_ones((len(codes), 1), dtype=torch.float64)], dim=1)
        ridge = penalty * torch.eye(inputs.shape[1], dtype=torch.float64, device=codes.device)
        solution = torch.linalg.solve(inputs.T @ inputs + ridge, inputs.T @ targets)
        self.person.weight.copy_(solution[:-1].T)
        self.person.bias.copy_(solution[-1] - targets.mean(dim=0))

    def linear(self) -> dict[str, tuple[Tensor, Tensor]]:
        """W_k (classes, d) and b_k (classes,) by attribute."""
        weights = dict(self.heads.named_parameters())
        return {name: (weights[f"{name}.weight"], weights[f"{name}.bias"]) for name in ATTRIBUTES}

    def save_folder(self, folder: Path) -> None:
        """Write config.json and half-precision safetensors."""
        save_network(self, {"code": self.code}, folder)

    @classmethod
    def from_folder(cls, folder: Path, device: str | torch.device, dtype: torch.dtype) -> Self:
        """Load what `save_folder` wrote, frozen and in eval mode."""
        config, weights = read_network(folder, "attribute heads")
        model = cls(config["code"])
        model.load_state_dict(weights)
        return model.to(device=device, dtype=dtype).eval().requires_grad_(False)
