"""Train the small CLIP: `python -m clay.training.clip`.

Three losses. The contrastive one matches pictures with their captions. The other matches each picture with the
right one of a handful of short prompts, one for each class of each attribute: in a caption of several details
the others are easily read past, and a small model that has to find the caption learns the loudest detail first. The
third reads the scene's parameters off the picture's embedding (`people.numbers`): words for what is small, such as an
expression, come to mean something only once the picture's side sees it.

--between adds a fourth: on the way from a picture to the same scene with one thing changed, in the codes of the
diffusion autoencoder, the class is to be as unsure as the mixture,

    2 mean (1 - w) CE(x_w, class of x_0) + w CE(x_w, class of x_1),    w uniform in [0, 1]

(mixup, Zhang et al. 2018, arXiv 1710.09412). A classifier without it may hold on to red hair until it is more blue than
red; where an edit starts, its gradient then says nothing of blue.

Pictures are disturbed (mirrored, shifted, blurred, brightened, partly covered, noisy), and a picture is told in
new words each time it comes up, so that the gradient of the similarity points at faces and not at texture. --push
goes further and moves each picture where it does the most harm before the step is taken (`augment.pushed`).
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.clip import MODEL_CONFIG, create_clip, create_tokenizer, grown, load_clip, prepare, save_clip
from clay.networks.images import as_channels_first, to_unit
from clay.people.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.people.captions import caption
from clay.people.changes import CHANGES, changed
from clay.people.dataset import TRAIN, Scene
from clay.people.numbers import PERSON_NUMBERS, VIEW_NUMBERS, Readout, scene_numbers
from clay.people.prompts import sample_prompts
from clay.rendering.dataset import load_pictures
from clay.training.augment import disturb, pushed
from clay.training.loop import Plan, arguments, train

_MAX_SCALE = math.log(100.0)
_READ = 10.0  # weight of the parameters read off the embedding
_BETWEEN = 2.0  # weight of the classes between pictures


class ClipLoss:
    """The losses on a random batch.

    Args:
        pictures: (n, 3, 64, 64) uint8, in the order of `TRAIN.scenes()`.
        batch: pairs a step.
        push: largest distance that a picture is moved against the network, in the Euclidean norm over [-1, 1].
        codes: the autoencoder between whose codes pictures are mixed, or None to mix none.
    """

    def __init__(
        self, pictures: Tensor, batch: int, push: float = 0.0, codes: DiffusionAutoencoder | None = None
    ) -> None:
        self.pictures, self.batch, self.push, self.codes = pictures, batch, push, codes
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
        losses = {"contrast": loss, "matched": matched, "read": read, "hits": hits}
        total = loss + matched + _READ * read
        if self.codes is not None:
            losses["between"] = self._between(clip, self.codes, chosen, prompts, rng, generator)
            total = total + _BETWEEN * losses["between"]
        return {"loss": total, **losses}

    def _between(
        self,
        clip: Any,
        codes: DiffusionAutoencoder,
        chosen: Tensor,
        prompts: Tensor,
        rng: np.random.Generator,
        generator: torch.Generator,
    ) -> Tensor:
        """Cross-entropy of mixed pictures and the classes at both ends; half as many pictures as in the batch."""
        device, some = chosen.device, chosen[: self.batch // 2]
        scenes = [changed(self.scenes[i], str(rng.choice(CHANGES)), rng) for i in some.tolist()]
        classes = torch.tensor([true_classes(*scene) for scene in scenes], device=device)
        other = to_unit(as_channels_first(self._render(scenes)).to(device))
        w = torch.rand(len(some), 1, generator=generator, device=device)
        mixed = disturb(between(codes, to_unit(self.pictures[some]), other, w), generator)
        seen = clip.encode_image(prepare(mixed, clip).contiguous(memory_format=torch.channels_last), normalize=True)
        logits = clip.logit_scale.exp() * seen @ prompts.T
        return torch.lerp(self._surprise(logits, self.classes[some]), self._surprise(logits, classes), w).mean()

    def _render(self, scenes: list[Scene]) -> np.ndarray:
        from clay.rendering.render import render_all  # numba is needed here only

        return render_all(scenes, threads=torch.get_num_threads())

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

    def _surprise(self, logits: Tensor, truth: Tensor, reduction: str = "none") -> Tensor:
        """Cross-entropy of each picture and attribute among its prompts, (b, attributes); 0 where hidden."""
        parts = torch.split(logits, [len(classes) for classes in ATTRIBUTES.values()], 1)
        losses = [
            F.cross_entropy(part, truth[:, column], ignore_index=HIDDEN, reduction=reduction)
            for column, part in enumerate(parts)
        ]
        return torch.stack(losses, -1)

    def _matched(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Mean over attributes of the cross-entropy among that attribute's prompts."""
        return self._surprise(logits, truth, "mean").mean()


@torch.no_grad()
def between(codes: DiffusionAutoencoder, first: Tensor, second: Tensor, w: Tensor) -> Tensor:
    """m((1 - w) z_0 + w z_1) + (1 - w) (x_0 - m(z_0)) + w (x_1 - m(z_1)), clamped: x_0 at w = 0, x_1 at w = 1.

    Args:
        codes: z = E(x), and the coarse picture m(z).
        first: x_0, (b, 3, 64, 64) in [-1, 1].
        second: x_1, the same.
        w: (b, 1).
    """
    z_0, z_1 = codes.encode(first), codes.encode(second)
    m_0, m_1, m = codes.decoder(torch.cat([z_0, z_1, torch.lerp(z_0, z_1, w)])).mean.chunk(3)
    mixed: Tensor = m + torch.lerp(first - m_0, second - m_1, w[:, :, None, None])
    return mixed.clamp(-1, 1)


def main() -> None:
    """Train, and write the weights at every checkpoint."""
    parser = arguments("Train the small CLIP.", steps=1500, out="clip")
    parser.add_argument("--batch", type=int, default=128, help="pairs a step")
    parser.add_argument("--rate", type=float, default=1e-3, help="highest learning rate")
    parser.add_argument("--push", type=float, default=0.0, help="largest distance a picture is moved; 0 moves none")
    parser.add_argument(
        "--between", type=Path, help="folder of the diffusion autoencoder, to mix pictures; none if left out"
    )
    parser.add_argument("--start", type=Path, help="folder of trained weights to begin with, instead of random ones")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    model = grown(load_clip(options.start, "cpu", torch.float32)[0]) if options.start else create_clip()
    network: nn.Module = Readout(model, MODEL_CONFIG["embed_dim"], PERSON_NUMBERS + VIEW_NUMBERS)
    network = network.to(options.device).to(memory_format=torch.channels_last)
    pictures = as_channels_first(load_pictures(TRAIN, options.data)).to(options.device)
    codes = DiffusionAutoencoder.from_folder(options.between, options.device) if options.between else None
    losses = ClipLoss(pictures, options.batch, options.push, codes)
    plan = Plan(options.steps, options.rate, warmup=100, decay=0.99, weight_decay=0.05, seed=options.seed)
    for moment in train(network, losses, plan, options.runs / "clip.pt"):
        print(moment.line, flush=True)
        if moment.saved:
            assert isinstance(moment.average, Readout)
            save_clip(moment.average.network, options.out)


if __name__ == "__main__":
    main()
