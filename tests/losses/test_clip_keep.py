import pytest
import torch

from losses import ClipKeep

GROUPS = {"colour": ("red hair", "blue hair"), "hat": ("a hat", "no hat", "a cap")}


def test_the_start_is_kept_with_no_loss_and_no_gradient(clip, tokenizer, images):
    x = images.clone().requires_grad_()
    loss = ClipKeep(clip.eval(), tokenizer, GROUPS, images)(x)
    loss.sum().backward()
    assert loss.tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert x.grad.abs().max() < 1e-5


def test_another_image_costs_something_and_groups_add_up(clip, tokenizer, images):
    both = ClipKeep(clip, tokenizer, GROUPS, images[:1])(images[1:])
    single = [ClipKeep(clip, tokenizer, {name: GROUPS[name]}, images[:1])(images[1:]) for name in GROUPS]
    assert (both > 0).all()
    assert both.tolist() == pytest.approx((single[0] + single[1]).tolist(), rel=1e-4, abs=1e-6)


def test_the_gradient_is_the_slope(clip, tokenizer, images):
    keep = ClipKeep(clip, tokenizer, GROUPS, images[:1])
    e = torch.nn.functional.normalize(torch.randn(2, 16, dtype=torch.float64), dim=1).requires_grad_()
    assert torch.autograd.gradcheck(keep.of, e)


def test_there_has_to_be_something_to_keep(clip, tokenizer, images):
    with pytest.raises(ValueError, match="nothing to keep"):
        ClipKeep(clip, tokenizer, {}, images)
