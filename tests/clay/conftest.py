"""One small untrained autoencoder, and one folder it was saved to."""

import pytest
import torch

from clay.networks.autoencoder import DiffusionAutoencoder


@pytest.fixture(scope="session")
def autoencoder():
    torch.manual_seed(0)
    return DiffusionAutoencoder.create((32, 32)).eval().requires_grad_(False)


@pytest.fixture(scope="session")
def autoencoder_folder(autoencoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("diffusion")
    autoencoder.save_folder(folder)
    return folder
