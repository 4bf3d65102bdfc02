import json

import pytest
import torch

from losses.faces import load_face_network
from tests.losses.faces.pictures import RECORDED, as_image, clay, pictures


@pytest.fixture(scope="session")
def network():
    return load_face_network()


@pytest.fixture(scope="session")
def exact():
    """The same network in float64."""
    return load_face_network(dtype=torch.float64)


@pytest.fixture(scope="session")
def recorded():
    """The results of the package's JavaScript, by image."""
    return json.loads(RECORDED.read_text())["found"]


@pytest.fixture(scope="session")
def shown():
    return pictures()


@pytest.fixture
def face():
    """An image with one face, (1, 3, 256, 256)."""
    return as_image(clay("2-black-hair"))


@pytest.fixture
def other():
    return as_image(clay("6-glasses"))


@pytest.fixture
def grainy(face):
    """The face with noise, float64: equal values in constant regions would make max pooling non-differentiable."""
    grain = torch.randn(face.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    return face.double() + 0.02 * grain
