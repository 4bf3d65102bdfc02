"""Train the small CLIP: `python -m clay.training.clip`.

The loss has three terms. The contrastive loss matches images with their captions. The classification loss matches each
image with the right one of the prompts of each attribute, one prompt for each class: a caption mentions several
details, and a small model that only matches captions learns the most visible detail first. A linear readout predicts
the scene's parameters from the image's embedding (`clay.networks.readout`), so that small details, such as the
expression, are in it.

`--between` adds a fourth term, mixup (Zhang et al. 2018, arXiv 1710.09412): of an image and the same scene with one
parameter changed, mixed in the codes of the diffusion autoencoder,

    2 mean (1 - w) CE(x_w, class of x_0) + w CE(x_w, class of x_1),    w uniform in [0, 1]

Without it, a classifier may output red hair until the hair is more blue than red; the gradient at the start of an edit
then has no component towards blue.

Images are augmented, and each has a new random caption in each step, so that the gradient of the similarity changes
faces rather than texture. `--push` adds adversarial training (`clay.training.augment.adversarial`). Half of the images
of more than 64 pixels are reduced to 64, since the same network reads the images of both sizes. `--image-tower` trains
the image tower alone.
"""

import copy
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.clip import MODEL_CONFIG, create_clip, create_tokenizer, load_clip, prepare, resized, save_clip
from clay.networks.images import as_channels_first, halved, to_unit
from clay.networks.readout import Readout
from clay.people.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.people.captions import caption
from clay.people.changes import CHANGES, changed
from clay.people.dataset import TRAIN, Scene
from clay.people.prompts import sample_prompts
from clay.people.vectors import PERSON_SIZE, VIEW_SIZE, scene_vectors
from clay.training.augment import adversarial, augment
from clay.training.command import SHARE, arguments, mixed, parse, run, training_images
from clay.training.loop import Plan
from clay.training.mixup import mix

_MAX_SCALE = math.log(100.0)
_READOUT = 10.0  # weight of the readout
_MIXUP = 2.0  # weight of mixup


class _Texts(NamedTuple):
    """Unit embeddings of a batch's captions (b, d), and of one prompt for each class of each attribute (classes, d)."""

    captions: Tensor
    prompts: Tensor

    def detach(self) -> "_Texts":
        return _Texts(self.captions.detach(), self.prompts.detach())


class ClipLoss:
    """The loss on a random batch.

    Args:
        images: (n, 3, side, side) uint8, in the order of `TRAIN.scenes()`.
        batch: pairs of image and caption per step.
        push: radius of the adversarial step, Euclidean in [-1, 1]; 0 for none.
        autoencoder: for mixup; None for none.
    """

    def __init__(
        self, images: Tensor, batch: int, push: float = 0.0, autoencoder: DiffusionAutoencoder | None = None
    ) -> None:
        self.images, self.batch, self.push, self.autoencoder = images, batch, push, autoencoder
        self.scenes = TRAIN.scenes()
        self.classes = torch.tensor([true_classes(*scene) for scene in self.scenes], device=images.device)
        self.vectors = scene_vectors(self.scenes).to(images.device)
        self.tokenizer = create_tokenizer()

    def __call__(self, network: Readout[nn.Module], step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of one step, its terms and the accuracy; see `LossFunction`."""
        clip: Any = network.network
        device = generator.device
        chosen = torch.randint(len(self.images), (self.batch,), generator=generator, device=device)
        rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator, device=device)))
        scenes = [self.scenes[i] for i in chosen.tolist()]
        tokens = self.tokenizer([caption(person, view, rng) for person, view in scenes]).to(device)
        image = augment(halved(to_unit(self.images[chosen])), generator)
        with torch.no_grad():
            clip.logit_scale.clamp_(0, _MAX_SCALE)
        prompts = self._prompts(clip, rng)
        texts = _Texts(clip.encode_text(tokens, normalize=True), prompts)
        classes = self.classes[chosen]
        if self.push:
            fixed = texts.detach()
            image = adversarial(image, lambda x: self._text_loss(clip, x, fixed, classes), self.push, generator)
        embedding = _encode(clip, image)
        contrastive, accuracy = self._contrastive(clip, embedding, texts.captions)
        classification = self._classification(clip, embedding, prompts, classes)
        readout = network.loss(embedding, self.vectors[chosen])
        terms = {"contrastive": contrastive, "classification": classification, "readout": readout, "accuracy": accuracy}
        total = contrastive + classification + _READOUT * readout
        if self.autoencoder is not None:
            terms["mixup"] = self._mixup(clip, self.autoencoder, chosen, prompts, rng, generator)
            total = total + _MIXUP * terms["mixup"]
        return {"loss": total, **terms}

    def _mixup(
        self,
        clip: Any,
        autoencoder: DiffusionAutoencoder,
        chosen: Tensor,
        prompts: Tensor,
        rng: np.random.Generator,
        generator: torch.Generator,
    ) -> Tensor:
        """Mean cross-entropy of mixed images and the classes at both ends; half as many images as in the batch."""
        device, some = chosen.device, chosen[: self.batch // 2]
        scenes = [changed(self.scenes[i], str(rng.choice(CHANGES)), rng) for i in some.tolist()]
        classes = torch.tensor([true_classes(*scene) for scene in scenes], device=device)
        other = to_unit(as_channels_first(_render(scenes, self.images.shape[-1])).to(device))
        w = torch.rand(len(some), 1, generator=generator, device=device)
        mixed = augment(halved(mix(autoencoder, to_unit(self.images[some]), other, w)), generator)
        logits = clip.logit_scale.exp() * _encode(clip, mixed) @ prompts.T
        return torch.lerp(cross_entropies(logits, self.classes[some]), cross_entropies(logits, classes), w).mean()

    def _contrastive(self, clip: Any, embedding: Tensor, captions: Tensor) -> tuple[Tensor, Tensor]:
        """The contrastive loss, and the share of images whose own caption is the most similar."""
        similarity = clip.logit_scale.exp() * embedding @ captions.T
        own = torch.arange(self.batch, device=embedding.device)
        loss = (F.cross_entropy(similarity, own) + F.cross_entropy(similarity.T, own)) / 2
        return loss, (similarity.argmax(1) == own).float().mean()

    def _classification(self, clip: Any, embedding: Tensor, prompts: Tensor, classes: Tensor) -> Tensor:
        """Mean over attributes of the cross-entropy among that attribute's prompts."""
        return cross_entropies(clip.logit_scale.exp() * embedding @ prompts.T, classes, "mean").mean()

    def _text_loss(self, clip: Any, image: Tensor, texts: _Texts, classes: Tensor) -> Tensor:
        """Contrastive and classification loss of images, which the adversarial step increases."""
        embedding = _encode(clip, image)
        loss, _ = self._contrastive(clip, embedding, texts.captions)
        return loss + self._classification(clip, embedding, texts.prompts, classes)

    def _prompts(self, clip: Any, rng: np.random.Generator) -> Tensor:
        """Embeddings of one prompt for each class, attribute after attribute, (classes, d)."""
        texts = [text for prompts in sample_prompts(rng).values() for text in prompts]
        embeddings: Tensor = clip.encode_text(self.tokenizer(texts).to(self.images.device), normalize=True)
        return embeddings


def cross_entropies(logits: Tensor, truth: Tensor, reduction: str = "none") -> Tensor:
    """Cross-entropy of each attribute among its prompts, 0 where the attribute is hidden.

    Args:
        logits: (b, classes), attribute after attribute.
        truth: true classes, (b, attributes) int64.
        reduction: "none", or "mean" over the images that show the attribute; 0 if none does.

    Returns:
        (b, attributes), or (attributes,) for "mean".
    """
    parts = torch.split(logits, [len(classes) for classes in ATTRIBUTES.values()], 1)
    losses = [
        F.cross_entropy(part, truth[:, column], ignore_index=HIDDEN, reduction="none")
        for column, part in enumerate(parts)
    ]
    each = torch.stack(losses, -1)
    return each if reduction == "none" else each.sum(0) / (truth != HIDDEN).sum(0).clamp_min(1)


def _encode(clip: Any, image: Tensor) -> Tensor:
    """Unit embeddings of images."""
    pixels = prepare(image, clip).contiguous(memory_format=torch.channels_last)
    embedding: Tensor = clip.encode_image(pixels, normalize=True)
    return embedding


def _render(scenes: list[Scene], size: int) -> np.ndarray:
    from clay.rendering.render import render_all  # numba is needed for mixup only

    return render_all(scenes, size, threads=torch.get_num_threads())


def main() -> None:
    """Train, and save the weights at every checkpoint."""
    parser = arguments("Train the small CLIP.", steps=1500, rate=1e-3, out="clip")
    parser.add_argument("--batch", type=int, default=128, help="pairs of image and caption per step")
    parser.add_argument("--push", type=float, default=0.0, help="radius of the adversarial step; 0 for none")
    parser.add_argument("--between", type=Path, help="folder of the diffusion autoencoder, for mixup; none if left out")
    parser.add_argument("--start", type=Path, help="folder of weights to start from; random weights if left out")
    parser.add_argument("--share", type=float, default=1.0, help=SHARE)
    parser.add_argument("--image-tower", action="store_true", help="leave the text tower as it is")
    options = parse(parser)
    model: Any = resized(load_clip(options.start, "cpu", torch.float32)[0]) if options.start else create_clip()
    start = copy.deepcopy(model)
    if options.image_tower:
        model.requires_grad_(False)
        model.visual.requires_grad_(True)
    network = Readout(model, MODEL_CONFIG["embed_dim"], PERSON_SIZE + VIEW_SIZE)
    network = network.to(options.device).to(memory_format=torch.channels_last)
    autoencoder = DiffusionAutoencoder.from_folder(options.between, options.device) if options.between else None
    losses = ClipLoss(training_images(options), options.batch, options.push, autoencoder)
    plan = Plan(options.steps, options.rate, warmup=100, decay=0.99, weight_decay=0.05, seed=options.seed)

    def save(average: Readout[Any]) -> None:
        save_clip(mixed(start, average.network, options.share), options.out)

    run(network, losses, plan, options.runs / "clip.pt", save)


if __name__ == "__main__":
    main()
