import pytest
import torch

from losses import ClipChoice

TEXTS = ("a red face", "a green face", "a hat")


def test_is_the_surprise_of_zero_shot_classification(clip, tokenizer, images):
    clip = clip.eval()
    choice = ClipChoice(clip, tokenizer, TEXTS, 1, 0.0)
    texts = torch.nn.functional.normalize(clip.encode_text(tokenizer(list(TEXTS))), dim=-1)
    logits = clip.logit_scale.exp() * choice.encoder.image(images) @ texts.T
    assert choice(images).tolist() == pytest.approx((-logits.log_softmax(1)[:, 1]).tolist(), abs=1e-4)
    assert choice.probability(choice.embed(images)).tolist() == pytest.approx(
        logits.softmax(1)[:, 1].tolist(), abs=1e-4
    )


def test_a_satisfied_image_has_no_loss_and_no_gradient(clip, tokenizer, images):
    x = images.clone().requires_grad_()
    loss = ClipChoice(clip, tokenizer, TEXTS, 1, margin=20.0)(x)
    loss.sum().backward()
    assert loss.tolist() == [0, 0, 0]
    assert x.grad.abs().max() == 0


def test_each_image_of_a_batch_may_have_its_own_goal(clip, tokenizer, images):
    together = ClipChoice(clip, tokenizer, TEXTS, [0, 1, 2])(images)
    alone = [ClipChoice(clip, tokenizer, TEXTS, k)(images[k : k + 1]).item() for k in range(3)]
    assert together.tolist() == pytest.approx(alone, abs=1e-4)


def test_the_gradient_is_the_slope(clip, tokenizer):
    choice = ClipChoice(clip, tokenizer, TEXTS, 0, 0.0)
    e = torch.nn.functional.normalize(torch.randn(2, 16, dtype=torch.float64), dim=1).requires_grad_()
    assert torch.autograd.gradcheck(choice.of, e)


@pytest.mark.parametrize("margin", [-0.1, float("inf")])
def test_a_margin_out_of_range_is_refused(clip, tokenizer, margin):
    with pytest.raises(ValueError, match="margin"):
        ClipChoice(clip, tokenizer, TEXTS, 0, margin)
