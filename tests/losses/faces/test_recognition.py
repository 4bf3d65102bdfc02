import pytest
import torch

from losses.faces.pixels import pad_to_square, resize_corners
from tests.losses.faces.pictures import as_image


def cut_out(pixels):
    return resize_corners(pad_to_square(as_image(pixels), centre=True), 150)


def test_embeddings_are_those_of_the_package(network, shown, recorded):
    for name, pixels in shown.items():
        theirs = torch.tensor(recorded[name]["descriptor"])
        assert (network.recognition(cut_out(pixels))[0] - theirs).abs().max() < 1e-5, name


def test_it_has_the_published_number_of_parameters(network):
    assert sum(p.numel() for p in network.recognition.parameters()) == 5_614_592


def test_a_batch_gives_the_embeddings_of_its_images(network, shown):
    faces = torch.cat([cut_out(shown["waves"]), cut_out(shown["noise"])])
    alone = torch.cat([network.recognition(face[None]) for face in faces])
    assert (network.recognition(faces) - alone).abs().max() < 1e-5


def test_the_gradient_is_that_of_finite_differences(exact, grainy):
    x = resize_corners(grainy, 150).requires_grad_()
    towards = torch.randn(128, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    (grad,) = torch.autograd.grad((exact.recognition(x)[0] * towards).sum(), x)
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    h = 1e-7
    with torch.no_grad():
        change = exact.recognition(x + h * direction)[0] - exact.recognition(x - h * direction)[0]
    slope = (change * towards).sum().item() / (2 * h)
    assert (grad * direction).sum().item() == pytest.approx(slope, rel=1e-5)


def test_faces_that_are_not_cropped_are_refused(network, face):
    with pytest.raises(ValueError, match="crop them first"):
        network.recognition(face)
