"""`domain_of`: the domain of a model's training images, where it is known."""

from __future__ import annotations

from clay.networks.autoencoder import DiffusionAutoencoder
from studio.images.domain import Domain, clay_domain, domain_of_network
from studio.models.interface import Model


def domain_of(model: Model) -> Domain | None:
    """The embedded model's domain; None for other models, for which no scores were measured.

    A check runs on the CPU whatever the model's device: it takes milliseconds and must not wait for a busy device.
    """
    if not isinstance(model.network, DiffusionAutoencoder):
        return None
    return domain_of_network(model.network) if model.device.type == "cpu" else clay_domain(model.size)
