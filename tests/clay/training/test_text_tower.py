import pytest
import torch
from safetensors.torch import load_file

from clay.networks.clip import create_clip, create_tokenizer, save_clip
from clay.people.attributes import ATTRIBUTES, HIDDEN
from clay.people.dataset import Split
from clay.people.texts import VOCABULARY, SceneText
from clay.training.text_tower import TextLoss, TextTower, apart, fitted, save, words_outside


@pytest.fixture
def clip():
    torch.manual_seed(0)
    return create_clip().eval().requires_grad_(False)


def test_texts_of_any_length_have_the_embeddings_of_the_model(clip):
    tokens = create_tokenizer()(["a face with a beard and a hat", "no", *["a smiling face"] * 80])
    torch.testing.assert_close(TextTower(clip)(tokens), clip.encode_text(tokens, normalize=True))


def test_the_loss_reaches_all_of_the_text_tower_and_is_smaller_for_the_texts_it_was_made_from(clip):
    losses = TextLoss(clip, torch.nn.functional.normalize(torch.randn(16, 128), dim=-1), Split("tiny", 0, 2), 4)
    torch.manual_seed(1)
    other = TextTower(create_clip()).requires_grad_(True)
    before, after = (losses(tower, 0, torch.Generator().manual_seed(0)) for tower in (losses.before, other))
    assert all(value.isfinite() for value in after.values())
    assert before["distillation"] < after["distillation"] + 1e-6
    after["loss"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in other.parameters())


def test_the_image_tower_is_saved_bit_for_bit(clip, tmp_path):
    save_clip(clip, tmp_path / "before")
    tower = TextTower(create_clip())
    save(clip, tower, tmp_path / "after")
    before, after = (load_file(tmp_path / name / "open_clip_model.safetensors") for name in ("before", "after"))
    assert before.keys() == after.keys()
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert {name for name in before if name.startswith("visual.")} | {"logit_scale"} <= same
    assert "token_embedding.weight" not in same
    assert torch.equal(after["text_projection"], tower.text_projection.half())


def test_words_outside_of_the_vocabulary_are_whole_words():
    words = words_outside(create_tokenizer())
    assert {"parrot", "car", "king"} <= set(words)
    assert not set(words) & VOCABULARY


def test_fitted_vectors_classify_the_images_that_show_the_attribute():
    generator = torch.Generator().manual_seed(0)
    means = torch.nn.functional.normalize(torch.randn(3, 16, generator=generator), dim=1)
    truth = torch.arange(60) % 3
    images = torch.nn.functional.normalize(means[truth] + 0.1 * torch.randn(60, 16, generator=generator), dim=1)
    start, shown = torch.randn(3, 16, generator=generator), truth.clone()
    shown[:20] = HIDDEN
    vectors = fitted(start, images, shown, scale=20.0)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))
    assert (images @ vectors.T).argmax(1).equal(truth)
    assert not (images @ torch.nn.functional.normalize(start, dim=1).T).argmax(1).equal(truth)


def test_vectors_apart_are_as_near_to_their_base_as_to_each_other_and_far_from_the_rest():
    taken = torch.nn.functional.normalize(torch.randn(10, 32, generator=torch.Generator().manual_seed(0)), dim=1)
    vectors = apart(taken[0], taken, 4)
    cosines = vectors @ torch.cat([vectors, taken]).T
    torch.testing.assert_close(cosines[:, :4], 0.5 + 0.5 * torch.eye(4))
    torch.testing.assert_close(cosines[:, 4:], (taken[0] @ taken.T / 2**0.5).expand(4, -1))


@pytest.mark.slow
def test_only_the_targets_of_new_attributes_change(clip):
    images = torch.nn.functional.normalize(torch.randn(16, 128), dim=-1)
    new = ("clothes_colour", "background_colour")
    given, changed = (TextLoss(clip, images, Split("tiny", 0, 2), 4, names) for names in ((), new))
    sizes = [len(classes) for classes in ATTRIBUTES.values()]
    pairs = zip(ATTRIBUTES, given.prompts.split(sizes), changed.prompts.split(sizes), strict=True)
    assert {name for name, before, after in pairs if not before.equal(after)} == set(new)
    torch.testing.assert_close(changed.prompts.norm(dim=1), torch.ones(len(changed.prompts)))


def test_a_text_of_a_new_attribute_is_distilled_to_its_target(clip):
    images = torch.nn.functional.normalize(torch.randn(16, 128), dim=-1)
    losses = TextLoss(clip, images, Split("tiny", 0, 2), 4, ("clothes_colour",))
    row = sum(len(ATTRIBUTES[name]) for name in list(ATTRIBUTES)[: list(ATTRIBUTES).index("clothes_colour")])
    shirt = SceneText("he wears a green shirt", "a face", [("clothes_colour", ATTRIBUTES["clothes_colour"][1])])
    caption = "a face with a green shirt"  # has no target of its own
    value = losses._distillation(losses.prompts[row + 1 : row + 3], [shirt], [caption])
    assert float(value) == pytest.approx(0, abs=1e-5)
