"""Train the text tower of the small CLIP on texts as people type them: `python -m clay.training.text_tower`.

The image tower and the scale of the similarity stay as they are, bit for bit, so the embeddings of the images are
computed once. With E an image's embedding, T a text's, T_0 one of the text tower before this training and P the prompts
of the classes, the loss has five terms:

    contrastive      texts of a scene with its image, as in `clay.training.clip`
    classification   cross-entropy of an image among one random text for each class of an attribute
    classes          1 - cos(T(text of class c), T_0(P_c)), and the cross-entropy of c among all P
    distillation     1 - cos(T(text of a scene), T_0(its caption))
    nothing          relu(max_c cos(t, T_0(P_c)) - 0.92) + 0.1 (1 - cos(t, T_0("a face"))),  t: T of a text of no class

The prompts of the classes are among the texts, so their embeddings stay where they were.

`--new` names attributes to which the text tower gives no meaning yet, or one that is worse than it could be. For their
classes c, T_0(P_c) is replaced by unit vectors u_c: those that minimise the cross-entropy of the images' classes,
starting from it; or, for attributes that the image tower does not see (`clay.people.prompts.UNSEEN`), T_0("a face") +
q_c, with q_c orthonormal and orthogonal to the other targets, and T_0("a face with a hat") in place of T_0("a face")
for the colour of a hat. A text that names some of them beside others has T_0(caption without them) + sum_c (u_c -
T_0("a face")) as its target in the distillation.
"""

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.networks.clip import create_tokenizer, load_clip, prepare, save_clip
from clay.networks.images import to_unit
from clay.people.attributes import ATTRIBUTES, HIDDEN, implied_by, true_classes
from clay.people.captions import caption
from clay.people.dataset import TRAIN, Scene, Split
from clay.people.prompts import PROMPTS, UNSEEN, WORDINGS, sample_prompts
from clay.people.texts import VOCABULARY, SceneText, class_texts, nothing_text, scene_text
from clay.training.clip import cross_entropies
from clay.training.command import arguments, parse, run, training_images
from clay.training.loop import Plan

_ALL = tuple(prompt for prompts in PROMPTS.values() for prompt in prompts)
_TOGETHER = 64  # texts of similar length
_SETS = 2  # random texts of each class in a step
_SHARPNESS = 100.0  # scale of the cosines between texts
_APART = 0.92  # largest cosine between a class and a text that names none
_WEIGHTS = {"contrastive": 0.2, "classification": 0.2, "classes": 10.0, "distillation": 5.0, "nothing": 10.0}


class TextTower(nn.Module):
    """The text tower of an open_clip model, which spends no time on padding.

    Texts of similar length are embedded together. The attention is causal, so padding has no influence on an embedding.
    """

    def __init__(self, clip: Any) -> None:
        super().__init__()
        self.token_embedding, self.transformer, self.ln_final = clip.token_embedding, clip.transformer, clip.ln_final
        self.positional_embedding, self.text_projection = clip.positional_embedding, clip.text_projection
        self.register_buffer("mask", clip.attn_mask, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (b, n) int64 -> unit embeddings (b, d)."""
        end = tokens.argmax(1)  # the end token has the largest id
        order = end.argsort()
        parts = [self._embed(tokens[some], end[some]) for some in torch.split(order, _TOGETHER)]
        return F.normalize(torch.cat(parts)[order.argsort()], dim=-1)

    def _embed(self, tokens: Tensor, end: Tensor) -> Tensor:
        length = int(end.max()) + 1
        x = self.token_embedding(tokens[:, :length]) + self.positional_embedding[:length]
        x = self.ln_final(self.transformer(x, attn_mask=self.mask[:length, :length]))  # type: ignore[index]
        projected: Tensor = x[torch.arange(len(x)), end] @ self.text_projection
        return projected


class TextLoss:
    """The loss on a random batch.

    Args:
        clip: the model before this training, frozen.
        embeddings: of the images, (n, d), in the order of `split.scenes()`.
        split: the people of the images.
        batch: images per step; each has one text of its classes and one caption.
        new: attributes whose classes get another place than `clip` gives them.
    """

    def __init__(self, clip: Any, embeddings: Tensor, split: Split, batch: int, new: Collection[str] = ()) -> None:
        self.embeddings, self.batch, self.device = embeddings, batch, embeddings.device
        self.scale = clip.logit_scale.exp()
        self.scenes = split.scenes()
        self.classes = torch.tensor([true_classes(*scene) for scene in self.scenes], device=self.device)
        self.tokenizer = create_tokenizer()
        self.before = TextTower(clip)
        self.neutral = self._encode(self.before, ("a face",))
        self.new = list(new)
        targets = self._targets()
        self.prompts = torch.cat([targets[name] for name in ATTRIBUTES])
        self.shifts = {
            (attribute, name): target - self.neutral[0]
            for attribute in self.new
            for name, target in zip(ATTRIBUTES[attribute], targets[attribute], strict=True)
        }
        self.new_words = [WORDINGS[attribute][name][0].split(" ", 1)[-1] for attribute, name in self.shifts]
        # where the image tower is blind, its images say nothing of the texts
        unseen = [list(ATTRIBUTES).index(name) for name in UNSEEN]
        self.seen_classes = self.classes.clone()
        self.seen_classes[:, unseen] = HIDDEN
        self.words = words_outside(self.tokenizer)

    def __call__(self, network: TextTower, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of one step and its terms; see `LossFunction`."""
        chosen = torch.randint(len(self.embeddings), (self.batch,), generator=generator, device=self.device)
        rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator, device=self.device)))
        scenes: list[Scene] = [self.scenes[i] for i in chosen.tolist()]
        named_in = [scene_text(classes, rng, self.new) for classes in self.classes[chosen].tolist()]
        captions = [caption(*scene, rng) for scene in scenes]
        texts = [one.text for one in named_in] + captions
        prompts = [text for prompts in sample_prompts(rng).values() for text in prompts]
        named = [*_ALL, *prompts, *(text for _ in range(_SETS) for text in class_texts(rng))]
        nothing = [nothing_text(self.words, rng) for _ in range(self.batch)]
        embedded = self._encode(network, [*texts, *named, *nothing])
        scene, classes, none = torch.split(embedded, [len(texts), len(named), len(nothing)])
        terms = {
            "contrastive": self._contrastive(scene[: self.batch], self.embeddings[chosen]),
            "classification": self._classification(classes[-len(_ALL) :], chosen),
            "classes": self._distance(classes, self.prompts.repeat(_SETS + 2, 1)) + self._confusion(classes),
            "distillation": self._distillation(scene, named_in, captions),
            "nothing": self._nothing(none),
        }
        return {"loss": sum(_WEIGHTS[name] * term for name, term in terms.items()), **terms}  # type: ignore[dict-item]

    def _targets(self) -> dict[str, Tensor]:
        """By attribute, one unit vector for each class."""
        found = {name: self._encode(self.before, texts) for name, texts in PROMPTS.items()}
        known = {name: vectors for name, vectors in found.items() if name not in self.new}
        for name in self.new:
            if name in UNSEEN:
                implied = [found[other][i] for other, i in implied_by([(name, 0)])]
                taken = torch.cat([self.neutral, *known.values()])
                known[name] = apart(implied[0] if implied else self.neutral[0], taken, len(found[name]))
            else:
                column = self.classes[:, list(ATTRIBUTES).index(name)]
                known[name] = fitted(found[name], self.embeddings, column, float(self.scale))
        return known

    def _distillation(self, embedded: Tensor, texts: Sequence[SceneText], captions: Sequence[str]) -> Tensor:
        """Of texts of scenes, then of captions; captions that name a class of a new attribute have no target."""
        given = self._encode(self.before, [one.plain for one in texts])
        shifts = [sum((self.shifts.get(one, 0.0) for one in text.named), torch.zeros_like(given[0])) for text in texts]
        of_texts = self._distance(embedded[: len(texts)], F.normalize(given + torch.stack(shifts), dim=1))
        clear = [i for i, text in enumerate(captions) if not any(words in text for words in self.new_words)]
        if not clear:
            return of_texts
        targets = self._encode(self.before, [captions[i] for i in clear])
        return (of_texts + self._distance(embedded[[len(texts) + i for i in clear]], targets)) / 2

    def _encode(self, tower: TextTower, texts: Sequence[str]) -> Tensor:
        with torch.set_grad_enabled(tower is not self.before):
            embeddings: Tensor = tower(self.tokenizer(list(texts)).to(self.device))
        return embeddings

    def _contrastive(self, texts: Tensor, images: Tensor) -> Tensor:
        similarity, own = self.scale * images @ texts.T, torch.arange(self.batch, device=self.device)
        return (F.cross_entropy(similarity, own) + F.cross_entropy(similarity.T, own)) / 2

    def _classification(self, texts: Tensor, chosen: Tensor) -> Tensor:
        logits = self.scale * self.embeddings[chosen] @ texts.T
        return cross_entropies(logits, self.seen_classes[chosen], "mean").mean()

    def _distance(self, texts: Tensor, targets: Tensor) -> Tensor:
        return (1 - (texts * targets).sum(1)).mean()

    def _nothing(self, texts: Tensor) -> Tensor:
        near = F.relu((texts @ self.prompts.T).amax(1) - _APART).mean()
        return near + 0.1 * self._distance(texts, self.neutral.expand_as(texts))

    def _confusion(self, texts: Tensor) -> Tensor:
        truth = torch.arange(len(_ALL), device=self.device).repeat(len(texts) // len(_ALL))
        return 0.02 * F.cross_entropy(_SHARPNESS * texts @ self.prompts.T, truth)


def fitted(start: Tensor, embeddings: Tensor, truth: Tensor, scale: float, steps: int = 400) -> Tensor:
    """Unit vectors u (classes, d) that minimise CE(scale e u^T, class), with Adam from `start`.

    Args:
        start: (classes, d).
        embeddings: e of the images, (n, d).
        truth: classes (n,), `HIDDEN` where an image does not show the attribute.
        scale: of the similarity.
        steps: of the optimiser, each on all images.
    """
    vectors = start.detach().clone().requires_grad_(True)
    optimizer = torch.optim.Adam([vectors], lr=0.01)
    for _ in range(steps):
        logits = scale * embeddings @ F.normalize(vectors, dim=1).T
        optimizer.zero_grad()
        F.cross_entropy(logits, truth, ignore_index=HIDDEN).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return F.normalize(vectors.detach(), dim=1)


def apart(base: Tensor, taken: Tensor, count: int) -> Tensor:
    """Unit vectors along base + q_k, q_k orthonormal and orthogonal to `taken`: (count, d).

    Args:
        base: (d,), of length 1.
        taken: (n, d), n + count <= d.
        count: number of vectors.
    """
    drawn = torch.randn(count, len(base), generator=torch.Generator().manual_seed(0)).to(taken)
    directions = torch.linalg.qr(torch.cat([taken, drawn]).T).Q.T[-count:]
    return F.normalize(base + directions, dim=1)


def words_outside(tokenizer: Any) -> list[str]:
    """The tokenizer's tokens that are whole words outside of `VOCABULARY`."""
    whole = (token.removesuffix("</w>") for token in tokenizer.encoder if token.endswith("</w>"))
    return sorted(word for word in whole if len(word) > 2 and word.isalpha() and word not in VOCABULARY)


@torch.no_grad()
def embeddings_of(images: Tensor, clip: Any, batch: int = 100) -> Tensor:
    """Unit embeddings (n, d) of images (n, 3, 64, 64) uint8."""
    parts = [clip.encode_image(prepare(to_unit(part), clip), normalize=True) for part in torch.split(images, batch)]
    return torch.cat(parts)


def save(clip: Any, tower: TextTower, folder: Path) -> None:
    """Write the model with another text tower, see `clay.networks.clip.save_clip`."""
    clip.load_state_dict(clip.state_dict() | tower.state_dict())
    save_clip(clip, folder)


def main() -> None:
    """Train, and save the weights at every checkpoint; --runs keeps the start and the embeddings."""
    parser = arguments("Train the text tower of the small CLIP.", steps=3200, rate=1e-3, out="clip")
    parser.set_defaults(people=300)
    parser.add_argument("--batch", type=int, default=32, help="images per step")
    parser.add_argument("--start", type=Path, default=Path("assets/clay/clip"), help="folder of weights to start from")
    parser.add_argument("--new", nargs="*", choices=list(ATTRIBUTES), default=[], help="attributes to place anew")
    options = parse(parser)
    before = options.runs / "text-tower-start"
    if not before.exists():
        shutil.copytree(options.start, before)
    clip: Any = load_clip(before, options.device, torch.float32)[0]
    stored = options.runs / f"image-embeddings-{options.people}.pt"
    if not stored.exists():
        torch.save(embeddings_of(training_images(options), clip), stored)
    embeddings = torch.load(stored, weights_only=True)
    losses = TextLoss(clip, embeddings, TRAIN.first_people(options.people), options.batch, options.new)
    result: Any = load_clip(before, options.device, torch.float32)[0]
    network = TextTower(result).requires_grad_(True)
    plan = Plan(options.steps, options.rate, warmup=100, decay=0.99, weight_decay=0.0, seed=options.seed)
    run(network, losses, plan, options.runs / "text-tower.pt", lambda average: save(result, average, options.out))


if __name__ == "__main__":
    main()
