import open_clip
import pytest
import torch

from clay.networks.clip import (
    MEAN,
    MODEL_CONFIG,
    STD,
    create_clip,
    create_tokenizer,
    load_clip,
    prepare,
    resized,
    save_clip,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("clip")
    save_clip(create_clip(), folder)
    return folder


def test_open_clip_loads_the_folder_and_gives_the_same_embeddings(folder):
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{folder}", require_pretrained=True)
    ours, _ = load_clip(folder, "cpu", torch.float32)
    image = torch.rand(1, 3, 64, 64)
    assert torch.allclose(model.eval().encode_image(prepare(image, model)), ours.encode_image(prepare(image, ours)))
    assert tuple(model.visual.image_mean) == MEAN
    assert tuple(model.visual.image_std) == STD
    assert "128" in str(preprocess)


def test_the_tokenizer_of_the_folder_is_the_one_of_the_training(folder):
    _, tokenizer = load_clip(folder, "cpu", torch.float32)
    texts = ["a face with red hair", "a clean-shaven chin"]
    assert torch.equal(tokenizer(texts), create_tokenizer()(texts))


def test_black_and_white_are_normalised_as_open_clip_does():
    model = create_clip()
    ends = prepare(torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 1, 1), model)[..., 0, 0]
    assert torch.allclose(ends[0], -torch.tensor(MEAN) / torch.tensor(STD))
    assert torch.allclose(ends[1], (1 - torch.tensor(MEAN)) / torch.tensor(STD))


def test_missing_weights_are_refused(folder, tmp_path):
    (tmp_path / "open_clip_config.json").write_bytes((folder / "open_clip_config.json").read_bytes())
    with pytest.raises(FileNotFoundError, match=r"holds no CLIP: open_clip_model.safetensors is missing"):
        load_clip(tmp_path, "cpu", torch.float32)


def test_weights_for_a_small_image_size_are_interpolated_for_a_larger_one(monkeypatch):
    torch.manual_seed(0)
    with monkeypatch.context() as smaller:
        smaller.setitem(MODEL_CONFIG["vision_cfg"], "image_size", 64)
        small = create_clip().eval()
    places = small.visual.attnpool.positional_embedding
    with torch.no_grad():
        places[1:] = torch.arange(4.0).view(4, 1)  # 0 1 / 2 3
    large = resized(small).eval()
    side = MODEL_CONFIG["vision_cfg"]["image_size"] // 32
    table = large.visual.attnpool.positional_embedding[1:, 0].detach().view(side, side)
    assert large.visual.image_size == 32 * side > 64
    assert (table.diff(dim=0) > 0).all()
    assert (table.diff(dim=1) > 0).all()
    torch.testing.assert_close(table[[0, -1], [0, -1]], torch.tensor([0.0, 3.0]), atol=0.4, rtol=0)
    text = small.encode_text(create_tokenizer()(["a face"]))
    torch.testing.assert_close(large.encode_text(create_tokenizer()(["a face"])), text)
