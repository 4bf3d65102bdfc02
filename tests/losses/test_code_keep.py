import pytest
import torch

from losses import CodeKeep, LinearHead

G = torch.Generator().manual_seed(0)
HEADS = {n: LinearHead(torch.randn(k, 12, generator=G), torch.randn(k, generator=G)) for n, k in (("a", 2), ("b", 5))}


def test_the_start_is_kept_with_no_loss_and_no_gradient(embedder, images):
    x = images.clone().requires_grad_()
    loss = CodeKeep(embedder, HEADS, images)(x)
    loss.sum().backward()
    assert loss.tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert x.grad.abs().max() < 1e-5


def test_is_the_divergence_of_the_distributions_of_all_heads(embedder, images):
    keep = CodeKeep(embedder, HEADS, images[:1])
    start, now = embedder.eval()(images[:1]), embedder(images[1:])
    expected = torch.zeros(2)
    for weight, bias in HEADS.values():
        p, q = (start @ weight.T + bias).softmax(1), (now @ weight.T + bias).softmax(1)
        expected += (p * (p / q).log()).sum(1)
    assert keep(images[1:]).tolist() == pytest.approx(expected.tolist(), rel=1e-3)


def test_the_gradient_through_the_encoder_is_the_slope(embedder, images):
    x = images[:2, :, :6, :6].double()
    keep = CodeKeep(embedder.double(), HEADS, x.flip(0))
    assert torch.autograd.gradcheck(keep, x.requires_grad_())


def test_there_has_to_be_something_to_keep(embedder, images):
    with pytest.raises(ValueError, match="nothing to keep"):
        CodeKeep(embedder, {}, images)
