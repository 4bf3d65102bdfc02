import numpy as np
import pytest
from PIL import Image

from studio.images.crop import Crop
from studio.images.domain import LIMIT, Domain
from studio.images.framing import CLAY
from studio.images.load import load_picture
from studio.models.domain import domain_of
from studio.models.embedded import embedded, examples
from studio.models.interface import Model


@pytest.fixture(scope="module")
def domain() -> Domain:
    found = domain_of(embedded())
    assert found is not None
    return found


def coloured_noise(falling: float, seed: int = 3) -> np.ndarray:
    """Noise whose amplitude falls as 1 / frequency^falling: 1 and more looks like a landscape."""
    generator = np.random.default_rng(seed)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64)))
    frequency[0, 0] = 1
    layers = [np.fft.ifft2(np.fft.fft2(generator.normal(size=(64, 64))) / frequency**falling).real for _ in range(3)]
    noise = np.stack(layers, -1)
    return np.clip(127.5 + 64 * (noise - noise.mean()) / noise.std(), 0, 255).astype(np.uint8)


def other_images() -> dict[str, np.ndarray]:
    y, x = np.mgrid[:64, :64]
    fine, coarse = (x + y) % 2 * 255, (x // 8 + y // 8) % 2 * 255
    plain = {"fine": fine, "coarse": coarse, "slope": x * 4, "grey": np.full((64, 64), 127)}
    made = {name: np.repeat(one[..., None], 3, axis=2).astype(np.uint8) for name, one in plain.items()}
    return made | {f"noise {falling}": coloured_noise(falling) for falling in (0, 0.5, 1, 1.5, 2)}


def test_training_images_have_a_low_score(domain: Domain) -> None:
    for path in examples():
        checked = domain.check(load_picture(path, 64))
        assert checked.score < 1.3
        assert not checked.outside


@pytest.mark.parametrize("name", other_images())
def test_other_images_are_out_of_distribution(domain: Domain, name: str) -> None:
    checked = domain.check(Image.fromarray(other_images()[name]))
    assert checked.outside
    assert checked.score > LIMIT + 0.3


def test_a_face_cropped_too_close_is_out_of_distribution(domain: Domain) -> None:
    assert domain.check(load_picture(examples()[0], 64, Crop(2.0))).outside


def test_the_reconstruction_is_near_the_image(domain: Domain) -> None:
    path = examples()[0]
    picture = load_picture(path, 64)
    reconstruction = domain.check(picture).reconstruction
    assert reconstruction.size == (64, 64)
    difference = abs(np.asarray(reconstruction, float) - np.asarray(picture, float))
    assert 1 < difference.mean() < 15
    assert domain.framing == CLAY


def test_other_models_have_no_domain(model: Model) -> None:
    assert domain_of(model) is None
