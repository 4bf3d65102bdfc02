"""`image_model`: a model whose loss networks are gathered, for one image of a batch.

Gathered are the code z, the image predicted from it, the image tower of the CLIP, the embedders that take the whole
image, and the classifier of the verdict. A `FaceNetwork` looks for a face in each image, so it is called for one image
at a time. Embeddings of texts are kept, because the images of a batch ask for the same ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn

from losses.contract import frozen
from losses.faces import FaceNetwork
from studio.models.interface import Model
from studio.runs.batch.gather import Gather

IDENTITY = "identity"


class Texts:
    """Token ids (n, length) -> embeddings (n, d) by a CLIP, each computed once."""

    def __init__(self, clip: Any) -> None:
        self._clip, self._lock = clip, Lock()
        self._known: dict[bytes, Tensor] = {}

    def __call__(self, tokens: Tensor) -> Tensor:
        """Without gradient."""
        key = tokens.cpu().numpy().tobytes()
        with self._lock:  # the threads of a batch ask at the same time
            if key not in self._known:
                with torch.no_grad():
                    self._known[key] = self._clip.encode_text(tokens)
            return self._known[key]


class Networks:
    """The networks of a model, in the form in which they are called on a batch.

    Args:
        model: whose networks.
    """

    def __init__(self, model: Model) -> None:
        self.model, self.texts = model, Texts(model.clip)
        self.encode_image = None if model.clip is None else model.clip.encode_image
        self.embedders = {
            name: frozen(network)
            for name, network in {IDENTITY: model.identity, **model.held_out}.items()
            if network is not None and not isinstance(network, FaceNetwork)
        }
        blank = torch.zeros(1, 3, model.size, model.size, device=model.device)
        with torch.no_grad():
            self.has_code = model.encode(blank) is not None
        self.decode_code: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None
        if (decode := model.decode_code) is not None:

            def decoded(z: Tensor) -> tuple[Tensor, Tensor]:
                mean, spread = decode(z)
                return mean, spread.expand_as(mean)  # has a row for each image

            self.decode_code = decoded


def image_model(networks: Networks, gather: Gather, index: int) -> Model:
    """The model for the image of this index."""
    model = networks.model

    def gathered(network: Any) -> Any:
        return None if network is None else gather.network(network, index)

    def embedder(name: str, network: Any) -> Any:
        call = networks.embedders.get(name)
        return network if call is None else _Embedder(network, gathered(call))

    return dataclasses.replace(
        model,
        encode=gathered(model.encode) if networks.has_code else model.encode,
        clip=None if model.clip is None else _Clip(model.clip, gathered(networks.encode_image), networks.texts),
        identity=embedder(IDENTITY, model.identity),
        held_out={name: embedder(name, network) for name, network in model.held_out.items()},
        reader=gathered(model.reader),
        decode_code=gathered(networks.decode_code),
    )


class _Embedder:
    """A gathered embedder, with the thresholds of the network."""

    def __init__(self, network: Any, call: Callable[[Tensor], Tensor]) -> None:
        self._call, self.thresholds = call, getattr(network, "thresholds", None)

    def __call__(self, image: Tensor) -> Tensor:
        """Image (1, 3, h, w) -> embedding (1, d)."""
        return self._call(image)


class _Clip(nn.Module):
    """A CLIP in open_clip's form, with a gathered image tower and kept embeddings of texts."""

    def __init__(self, clip: Any, encode_image: Callable[[Tensor], Tensor], texts: Texts) -> None:
        super().__init__()
        self.clip = clip
        self._image, self._texts = encode_image, texts

    @property
    def visual(self) -> Any:
        """The image tower, for its size, mean and deviation."""
        return self.clip.visual

    @property
    def logit_scale(self) -> Tensor:
        """The logarithm of the scale of its logits."""
        scale: Tensor = self.clip.logit_scale
        return scale

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Pixels (1, 3, h, w), resized and normalised -> (1, d)."""
        return self._image(pixels)

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Token ids (n, length) -> (n, d), without gradient."""
        return self._texts(tokens)
