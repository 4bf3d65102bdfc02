import pytest
import torch
from safetensors.torch import load_file

from clay.networks.clip import create_clip, create_tokenizer, save_clip
from clay.people.dataset import Split
from clay.people.texts import VOCABULARY
from clay.training.text_tower import TextLoss, TextTower, save, words_outside


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
