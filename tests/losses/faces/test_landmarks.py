import torch

from tests.losses.faces.pictures import as_image


def test_points_are_those_of_the_package(network, shown, recorded):
    for name, pixels in shown.items():
        height, width = pixels.shape[:2]
        theirs = torch.tensor(recorded[name]["landmarks"]) / torch.tensor([width, height])
        ours = network.finder.landmarks(as_image(pixels))[0]
        assert ours.shape == (68, 2)
        assert (ours - theirs).abs().max() < 1e-5, name


def test_it_has_as_many_parameters_as_the_packages_network(network):
    assert sum(p.numel() for p in network.finder.landmarks.parameters()) == 356_840


def test_points_have_a_gradient_with_respect_to_the_image(network, face):
    face.requires_grad_()
    (grad,) = torch.autograd.grad(network.finder.landmarks(face).sum(), face)
    assert torch.isfinite(grad).all()
    assert grad.abs().max() > 0
