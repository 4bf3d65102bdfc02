"""A CLIP model of a few thousand parameters, of open_clip's own classes, random but fixed."""

import pytest
import torch
from open_clip import SimpleTokenizer
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg


@pytest.fixture(scope="session")
def clip():
    torch.manual_seed(0)
    model = CLIP(
        embed_dim=16,
        vision_cfg=CLIPVisionCfg(layers=(1, 1, 1, 1), width=8, head_width=8, image_size=32),
        text_cfg=CLIPTextCfg(context_length=16, vocab_size=49408, width=16, heads=2, layers=1),
    )
    for module in model.visual.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            # open_clip initialises the last of each block with 0; the output would not depend on the image
            module.weight.data.fill_(1.0)
            module.momentum = None
    with torch.no_grad():
        model.train().encode_image(torch.randn(16, 3, 32, 32))
    model.visual.image_mean, model.visual.image_std = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)
    return model


@pytest.fixture(scope="session")
def tokenizer():
    return SimpleTokenizer(context_length=16)


class Embedder(torch.nn.Module):
    """A small network in place of a face network: means over a coarse grid, then a linear map."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.mix = torch.nn.Parameter(torch.randn(48, 12, generator=generator))
        self.norm = torch.nn.BatchNorm1d(12)

    def forward(self, image):
        coarse = torch.nn.functional.adaptive_avg_pool2d(image, 4).flatten(1)
        return self.norm(coarse @ self.mix.to(image.dtype))


@pytest.fixture
def embedder():
    return Embedder()


@pytest.fixture
def images():
    return torch.rand((3, 3, 40, 40), generator=torch.Generator().manual_seed(2)) * 2 - 1
