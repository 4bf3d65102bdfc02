import pytest
import torch

from losses import Identity, Morph
from losses.faces import NoFaceFound
from losses.faces.network import similarity_at


@pytest.mark.slow
def test_it_can_be_passed_to_a_loss(network, face, other):
    loss = Identity(network, face)
    assert loss(face).item() == pytest.approx(0, abs=1e-5)
    assert loss(other).item() > 0.02


@pytest.mark.slow
def test_a_fixed_crop_gives_the_same_embedding_as_detection(network, face):
    assert (network.at(face)(face) - network(face)).abs().max() < 1e-5


@pytest.mark.slow
def test_a_fixed_crop_needs_no_face_in_the_image(network, face, shown):
    gone = torch.zeros_like(face)
    assert torch.isfinite(network.at(face)(gone)).all()
    with pytest.raises(NoFaceFound):
        network(gone)


@pytest.mark.slow
def test_a_fixed_crop_is_scaled_with_the_image(network, face):
    small = torch.nn.functional.avg_pool2d(face, 2)
    distance = (network.at(face)(small) - network.at(face)(face)).norm()
    assert distance < 0.35  # the distance between different people is twice as large


@pytest.mark.slow
def test_a_batch_has_one_crop_per_image(network, face, other):
    together = network.at(torch.cat([face, other]))(torch.cat([face, other]))
    alone = torch.cat([network.at(face)(face), network.at(other)(other)])
    assert (together - alone).norm(dim=1).max() < 0.05  # the finer grid is shared


@pytest.mark.slow
def test_the_loss_has_an_exact_gradient(exact, grainy, other):
    x = grainy.clone().requires_grad_()
    loss = Identity(exact, other.double(), seen_by=exact.at(grainy))
    (grad,) = torch.autograd.grad(loss(x).sum(), x)
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        slope = (loss(x + 1e-7 * direction) - loss(x - 1e-7 * direction)).item() / 2e-7
    assert (grad * direction).sum().item() == pytest.approx(slope, rel=1e-5)
    assert grad.norm() > 0


@pytest.mark.slow
def test_detection_in_each_call_gives_the_gradient_of_a_fixed_crop(network, face, other):
    grads = []
    for seen_by in (None, network.at(face)):
        x = face.clone().requires_grad_()
        grads.append(torch.autograd.grad(Identity(network, other, seen_by)(x).sum(), x)[0])
    assert (grads[0] - grads[1]).abs().max() <= 1e-4 * grads[0].abs().max()


@pytest.mark.slow
def test_a_morph_uses_one_crop_for_both_people(network, face, other):
    loss = Morph(network, face, other, seen_by=network.at(face))
    d_a, d_b = loss.distances(face)
    assert d_a.item() == pytest.approx(0, abs=1e-5)
    assert d_b.item() > 0.02


def test_thresholds_are_those_of_dlibs_distance(network, face, other):
    assert network.thresholds["distance_0.6"] == pytest.approx(similarity_at(0.6), abs=1e-4)
    assert network.at(face).thresholds == network.thresholds
    assert similarity_at(0) == 1


def test_its_networks_are_frozen(network):
    assert not any(p.requires_grad for p in network.parameters())
    assert not network.training
