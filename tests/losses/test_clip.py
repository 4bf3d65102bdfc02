import copy

import pytest
import torch

from losses import ClipDirectional, ClipEncoder, ClipImage, ClipText


def test_text_loss_is_one_minus_the_models_own_cosine(clip, tokenizer, images):
    from losses.preprocess import normalise, resize

    loss = ClipText(clip, tokenizer, "a face with glasses")
    pixels = normalise(resize(images, 32), clip.visual.image_mean, clip.visual.image_std)
    with torch.no_grad():
        image = clip.encode_image(pixels, normalize=True)
        text = clip.encode_text(tokenizer(["a face with glasses"]), normalize=True)
    assert (loss(images) - (1 - (image @ text.T)[:, 0])).abs().max() < 1e-5


def test_each_image_may_have_its_own_prompt(clip, tokenizer, images):
    prompts = ["a bald face", "a sad face", "a face with a hat"]
    together = ClipText(clip, tokenizer, prompts)(images)
    alone = [ClipText(clip, tokenizer, p)(image[None]).item() for p, image in zip(prompts, images, strict=True)]
    assert together.tolist() == pytest.approx(alone, abs=1e-5)


def test_the_reference_has_distance_zero(clip, tokenizer, images):
    loss = ClipImage(clip, tokenizer, images[:1])
    assert loss(images[:1]).item() == pytest.approx(0, abs=1e-5)
    assert (loss(images[1:]) > 1e-4).all()


def test_the_directional_loss_is_1_with_a_finite_gradient_at_the_start(clip, tokenizer, images):
    loss = ClipDirectional(clip, tokenizer, "a face", "a face with red hair", images)
    image = images.clone().requires_grad_()
    value = loss(image)
    value.sum().backward()
    assert value.tolist() == pytest.approx([1, 1, 1], abs=1e-4)
    assert image.grad.isfinite().all()
    assert image.grad.abs().max() > 0


def test_the_directional_loss_falls_along_its_gradient(clip, tokenizer, images):
    loss = ClipDirectional(clip, tokenizer, "a face", "a face with red hair", images)
    image = images.clone()
    for _ in range(10):
        image.requires_grad_()
        (gradient,) = torch.autograd.grad(loss(image).sum(), image)
        image = (image - 0.02 * gradient.sign()).detach()
    assert (loss(image) < 0.9).all()


@pytest.mark.parametrize("prompt", ["", "   ", []])
def test_an_empty_prompt_is_refused(clip, tokenizer, prompt):
    with pytest.raises(ValueError, match="The prompt is empty"):
        ClipText(clip, tokenizer, prompt)


def test_two_texts_with_the_same_embedding_are_refused(clip, tokenizer, images):
    with pytest.raises(ValueError, match="there is no direction"):
        ClipDirectional(clip, tokenizer, "a face", "a face", images)


def test_embeddings_have_length_one(clip, tokenizer, images):
    encoder = ClipEncoder(clip, tokenizer)
    assert (encoder.image(images).norm(dim=-1) - 1).abs().max() < 1e-5
    assert (encoder.text("a face").norm(dim=-1) - 1).abs().max() < 1e-5


def test_texts_of_groups_are_embedded_as_each_group_is(clip, tokenizer):
    encoder = ClipEncoder(clip, tokenizer)
    groups = {"hair": ("red hair", "blue hair", "no hair"), "hat": ("a hat", "a bare head")}
    together = encoder.groups(groups)
    assert list(together) == list(groups)
    for name, texts in groups.items():
        assert (together[name] - encoder.text(texts)).abs().max() < 1e-5
    assert encoder.groups({}) == {}


def test_texts_of_groups_are_embedded_once_for_each_state_of_the_weights(clip, tokenizer, monkeypatch):
    clip = copy.deepcopy(clip)
    calls, own = [], clip.encode_text
    monkeypatch.setattr(clip, "encode_text", lambda tokens, *rest: calls.append(len(tokens)) or own(tokens, *rest))
    groups = {"hair": ("long hair", "short hair", "no hair"), "hat": ("a cap", "a bare head")}
    first = ClipEncoder(clip, tokenizer).groups(groups)["hair"]
    assert ClipEncoder(clip, tokenizer).groups({"hair": list(groups["hair"])})["hair"] is first
    assert calls == [3, 2]
    ClipEncoder(clip, lambda texts: tokenizer([text[::-1] for text in texts])).groups(groups)
    assert calls == [3, 2, 3, 2]
    with torch.no_grad():  # as an optimiser, or load_state_dict
        for parameter in clip.parameters():
            parameter.mul_(1.01)
    changed = ClipEncoder(clip, tokenizer).groups(groups)["hair"]
    assert calls[4:] == [3, 2]
    assert not torch.equal(changed, first)
