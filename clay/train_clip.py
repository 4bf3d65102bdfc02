"""Train the small CLIP: `python -m clay.train_clip`.

Three losses. The contrastive one matches pictures with their captions. The other matches each picture with the
right one of a handful of short prompts, one for each class of each attribute: in a caption of several details
the others are easily read past, and a small model that has to find the caption learns the loudest detail first. The
third reads the scene's parameters off the picture's embedding (`clay.numbers`): words for what is small, such as an
expression, come to mean something only once the picture's side sees it.

Pictures are disturbed (mirrored, shifted, blurred, brightened, partly covered, noisy), and a picture is told in
new words each time it comes up, so that the gradient of the similarity points at faces and not at texture. --push
goes further and moves each picture where it does the most harm before the step is taken (`clay.augment.pushed`).
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.augment import disturb, pushed
from clay.captions import caption
from clay.clip import MODEL_CONFIG, create_clip, create_tokenizer, grown, load_clip, prepare, save_clip
from clay.data import TRAIN, load_pictures
from clay.numbers import PERSON_NUMBERS, VIEW_NUMBERS, Readout, scene_numbers
from clay.pictures import as_channels_first, to_unit
from clay.prompts import sample_prompts
from clay.training import Plan, arguments, train

_MAX_SCALE = math.log(100.0)
_READ = 10.0  # weight of the parameters read off the embedding


class ClipLoss:
    """The losses on a random batch.

    Args:
        pictures: (n, 3, 64, 64) uint8, in the order of `TRAIN.scenes()`.
        batch: pairs a step.
        push: largest distance that a picture is moved against the network, in the Euclidean norm over [-1, 1].
    """

    def __init__(self, pictures: Tensor, batch: int, push: float = 0.0) -> None:
        self.pictures, self.batch, self.push = pictures, batch, push
        self.scenes = TRAIN.scenes()
        self.classes = torch.tensor([true_classes(*scene) for scene in self.scenes], device=pictures.device)
        self.numbers = scene_numbers(self.scenes).to(pictures.device)
        self.tokenizer = create_tokenizer()

    def __call__(self, network: nn.Module, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The named losses of one step."""
        device = generator.device
        chosen = torch.randint(len(self.pictures), (self.batch,), generator=generator, device=device)
        rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator, device=device)))
        scenes = [self.scenes[i] for i in chosen.tolist()]
        text = self.tokenizer([caption(person, seen, rng) for person, seen in scenes]).to(device)
        image = disturb(to_unit(self.pictures[chosen]), generator)
        assert isinstance(network, Readout)
        clip: Any = network.network
        with torch.no_grad():
            clip.logit_scale.clamp_(0, _MAX_SCALE)
        prompts = self._prompts(clip, rng)
        from_text = clip.encode_text(text, normalize=True)
        if self.push:
            told, asked = from_text.detach(), prompts.detach()
            image = pushed(image, lambda x: self._harm(clip, x, told, asked, chosen), self.push, generator)
        from_image, loss, matched, hits = self._compare(clip, image, from_text, prompts, chosen)
        read = network.loss(from_image, self.numbers[chosen])
        return {"loss": loss + matched + _READ * read, "contrast": loss, "matched": matched, "read": read, "hits": hits}

    def _compare(
        self, clip: Any, image: Tensor, from_text: Tensor, prompts: Tensor, chosen: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Embeddings of the pictures, contrast, matched, and the share of pictures that find their caption."""
        image = prepare(image, clip).contiguous(memory_format=torch.channels_last)
        from_image: Tensor = clip.encode_image(image, normalize=True)
        scale = clip.logit_scale.exp()
        similarity = scale * from_image @ from_text.T
        own = torch.arange(self.batch, device=image.device)
        loss = (F.cross_entropy(similarity, own) + F.cross_entropy(similarity.T, own)) / 2
        matched = self._matched(scale * from_image @ prompts.T, self.classes[chosen])
        return from_image, loss, matched, (similarity.argmax(1) == own).float().mean()

    def _harm(self, clip: Any, image: Tensor, from_text: Tensor, prompts: Tensor, chosen: Tensor) -> Tensor:
        """contrast + matched."""
        _, loss, matched, _ = self._compare(clip, image, from_text, prompts, chosen)
        return loss + matched

    def _prompts(self, clip: Any, rng: np.random.Generator) -> Tensor:
        """Embeddings of one prompt for each class, attribute after attribute, (classes, d)."""
        texts = [text for prompts in sample_prompts(rng).values() for text in prompts]
        embeddings: Tensor = clip.encode_text(self.tokenizer(texts).to(self.pictures.device), normalize=True)
        return embeddings

    def _matched(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Mean over attributes of the cross-entropy among that attribute's prompts."""
        parts = torch.split(logits, [len(classes) for classes in ATTRIBUTES.values()], 1)
        losses = [F.cross_entropy(part, truth[:, column], ignore_index=HIDDEN) for column, part in enumerate(parts)]
        return torch.stack(losses).mean()


def main() -> None:
    """Train, and write the weights at every checkpoint."""
    parser = arguments("Train the small CLIP.", steps=1500, out="clip")
    parser.add_argument("--batch", type=int, default=128, help="pairs a step")
    parser.add_argument("--rate", type=float, default=1e-3, help="highest learning rate")
    parser.add_argument("--push", type=float, default=0.0, help="largest distance a picture is moved; 0 moves none")
    parser.add_argument("--start", type=Path, help="folder of trained weights to begin with, instead of random ones")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    model = grown(load_clip(options.start, "cpu", torch.float32)[0]) if options.start else create_clip()
    network: nn.Module = Readout(model, MODEL_CONFIG["embed_dim"], PERSON_NUMBERS + VIEW_NUMBERS)
    network = network.to(options.device).to(memory_format=torch.channels_last)
    pictures = as_channels_first(load_pictures(TRAIN, options.data)).to(options.device)
    losses = ClipLoss(pictures, options.batch, options.push)
    plan = Plan(options.steps, options.rate, warmup=100, decay=0.99, weight_decay=0.05, seed=options.seed)
    for moment in train(network, losses, plan, options.runs / "clip.pt"):
        print(moment.line, flush=True)
        if moment.saved:
            assert isinstance(moment.average, Readout)
            save_clip(moment.average.network, options.out)


if __name__ == "__main__":
    main()
