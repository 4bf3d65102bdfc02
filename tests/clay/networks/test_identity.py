import pytest
import torch

from clay.networks.backbones import KINDS
from clay.networks.identity import IdentityEmbedder


@pytest.fixture(scope="module", params=KINDS)
def embedder(request):
    torch.manual_seed(0)
    return IdentityEmbedder((8, 8, 16, 16), kind=request.param, thresholds={"fmr_1_percent": 0.5}).eval()


@pytest.mark.parametrize("size", [64, 100, 256])
def test_embeddings_have_unit_length_at_any_input_size(embedder, size):
    embedding = embedder(torch.rand(2, 3, size, size) * 2 - 1)
    assert embedding.shape == (2, 128)
    assert torch.allclose(embedding.norm(dim=1), torch.ones(2))


def test_enlarging_an_image_hardly_changes_its_embedding(embedder):
    image = torch.rand(1, 3, 8, 8).repeat_interleave(8, 2).repeat_interleave(8, 3) * 2 - 1
    large = torch.nn.functional.interpolate(image, (256, 256), mode="nearest")
    assert (embedder(image) * embedder(large)).sum() > 0.97


def test_gradients_reach_the_image_through_the_resize(embedder):
    image = torch.rand(1, 3, 96, 96, requires_grad=True)
    (gradient,) = torch.autograd.grad(embedder(image)[0, 0], image)
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0


def test_a_round_trip_over_disk_keeps_weights_and_thresholds(embedder, tmp_path):
    embedder.save_folder(tmp_path)
    loaded = IdentityEmbedder.from_folder(tmp_path, "cpu", torch.float32)
    image = torch.rand(2, 3, 64, 64)
    assert (loaded(image) * embedder(image)).sum(1).min() > 0.999
    assert loaded.thresholds == embedder.thresholds
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no identity embedder: model.safetensors is missing"):
        IdentityEmbedder.from_folder(tmp_path, "cpu", torch.float32)
