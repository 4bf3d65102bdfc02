"""The embedded CLIP: an open_clip model with a small configuration.

Text and image towers of Radford et al. (2021, arXiv 2103.00020); the image tower is their modified ResNet. Images of
64 x 64 pixels are enlarged to 128 x 128, because the first layers reduce 4 x 4 pixels to one value, and a mouth is only
a few pixels high. `open_clip.create_model_and_transforms("local-dir:/path")` loads the folder without this module.
"""

import json
from pathlib import Path
from typing import Any

import open_clip
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

MODEL_CONFIG: dict[str, Any] = {
    "embed_dim": 128,
    "vision_cfg": {"image_size": 128, "layers": [1, 1, 1, 1], "width": 24, "head_width": 64},
    "text_cfg": {"context_length": 40, "vocab_size": 49408, "width": 64, "heads": 4, "layers": 2},
}
MEAN: tuple[float, float, float] = tuple(open_clip.OPENAI_DATASET_MEAN)
STD: tuple[float, float, float] = tuple(open_clip.OPENAI_DATASET_STD)
_PREPROCESS = {
    "mean": MEAN,
    "std": STD,
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}
_CONFIG, _WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"


def create_clip() -> nn.Module:
    """An untrained model with `MODEL_CONFIG`."""
    towers = {
        "vision_cfg": open_clip.CLIPVisionCfg(**MODEL_CONFIG["vision_cfg"]),
        "text_cfg": open_clip.CLIPTextCfg(**MODEL_CONFIG["text_cfg"]),
    }
    model: nn.Module = open_clip.CLIP(embed_dim=MODEL_CONFIG["embed_dim"], **towers)
    return model


def resized(model: nn.Module) -> nn.Module:
    """A model with `MODEL_CONFIG` and the weights of `model`, which may have another image size.

    The position embeddings of the image tower are interpolated.
    """
    result: Any = create_clip()
    weights = dict(model.state_dict())
    place = "visual.attnpool.positional_embedding"
    old, new = weights[place], result.visual.attnpool.positional_embedding
    before, after = (round((len(table) - 1) ** 0.5) for table in (old, new))
    grid = old[1:].T.reshape(1, -1, before, before)
    grid = F.interpolate(grid, (after, after), mode="bicubic", align_corners=False)
    weights[place] = torch.cat([old[:1], grid[0].flatten(1).T])
    result.load_state_dict(weights)
    return result  # type: ignore[no-any-return]


def create_tokenizer() -> open_clip.SimpleTokenizer:
    """CLIP's byte-pair tokenizer with the context length of `MODEL_CONFIG`."""
    return open_clip.SimpleTokenizer(context_length=MODEL_CONFIG["text_cfg"]["context_length"])


def prepare(image: Tensor, model: Any) -> Tensor:
    """The input of a model's image tower for images (b, 3, h, w) in [-1, 1].

    The image is resized to the tower's size (bicubic, antialiased), then normalised: ((image + 1) / 2 - mean) / std.
    """
    side = model.visual.image_size
    if image.shape[-2:] != (side, side):
        image = F.interpolate(image, (side, side), mode="bicubic", antialias=True, align_corners=False)
    return normalized(image)


def normalized(image: Tensor) -> Tensor:
    """((image + 1) / 2 - mean) / std of images (b, 3, h, w) in [-1, 1]."""
    mean = torch.tensor(MEAN, dtype=image.dtype, device=image.device).view(1, 3, 1, 1)
    std = torch.tensor(STD, dtype=image.dtype, device=image.device).view(1, 3, 1, 1)
    return ((image + 1) / 2 - mean) / std


def save_clip(model: nn.Module, folder: Path) -> None:
    """Write an open_clip folder with weights in half precision; creates `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_cfg": MODEL_CONFIG, "preprocess_cfg": _PREPROCESS}
    (folder / _CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    weights = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in model.state_dict().items()
    }
    save_file(weights, folder / _WEIGHTS)


def load_clip(folder: Path, device: str | torch.device, dtype: torch.dtype) -> tuple[nn.Module, Any]:
    """The model, frozen and in eval mode, and its tokenizer.

    Raises:
        FileNotFoundError: a file is missing. open_clip itself would continue with random weights.
    """
    for name in (_CONFIG, _WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} holds no CLIP: {name} is missing.")
    name = f"local-dir:{folder.resolve()}"
    model = open_clip.create_model(name, require_pretrained=True)
    return model.to(device=device, dtype=dtype).eval().requires_grad_(False), open_clip.get_tokenizer(name)
