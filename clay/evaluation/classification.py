"""Accuracy of CLIP, of the attribute heads and of the attribute classifier."""

import torch
from torch import Tensor

from clay.evaluation.batches import in_batches
from clay.networks.clip import prepare
from clay.people.attributes import ATTRIBUTES, HIDDEN
from clay.people.prompts import PROMPTS, UNSEEN
from clay.world import ClayWorld

Accuracies = dict[str, dict[str, float]]
"""By attribute: accuracy, share of the most frequent class, number of classes."""


def accuracies(predicted: dict[str, Tensor], truth: Tensor) -> Accuracies:
    """Accuracy on the images that show an attribute, and the share of its most frequent class among them.

    Args:
        predicted: by attribute, predicted classes (n,); it need not have all.
        truth: true classes (n, attributes), `HIDDEN` where the image does not show the attribute.
    """
    measures = {}
    for column, name in enumerate(ATTRIBUTES):
        if name not in predicted:
            continue
        shown = truth[:, column] != HIDDEN
        right = truth[shown, column]
        measures[name] = {
            "accuracy": float((predicted[name][shown] == right).float().mean()),
            "commonest": float(right.bincount().max() / len(right)),
            "classes": len(ATTRIBUTES[name]),
        }
    return measures


def measure_clip(world: ClayWorld, images: Tensor, truth: Tensor) -> Accuracies:
    """Zero-shot accuracy of CLIP on images (n, 3, h, w) uint8: the predicted class has the most similar prompt.

    Attributes that its image tower does not see are left out.
    """
    embeddings = in_batches(lambda image: world.clip.encode_image(prepare(image, world.clip), normalize=True), images)
    predicted = {}
    for name in (name for name in PROMPTS if name not in UNSEEN):
        with torch.no_grad():
            texts = world.clip.encode_text(world.tokenizer(list(PROMPTS[name])), normalize=True)
        predicted[name] = (embeddings @ texts.T).argmax(1)
    return accuracies(predicted, truth)


def measure_classifier(world: ClayWorld, images: Tensor, truth: Tensor) -> Accuracies:
    """Accuracy of the attribute classifier on images (n, 3, side, side) uint8."""
    classes = in_batches(
        lambda image: torch.stack([p.argmax(1) for p in world.reader.probabilities(image).values()], 1), images
    )
    return accuracies({name: classes[:, i] for i, name in enumerate(ATTRIBUTES)}, truth)


def measure_heads(world: ClayWorld, images: Tensor, truth: Tensor) -> Accuracies:
    """Accuracy of the attribute heads on the codes z of images (n, 3, side, side) uint8."""
    codes = in_batches(world.autoencoder.encode, images)
    with torch.no_grad():
        return accuracies({name: logits.argmax(1) for name, logits in world.heads(codes).items()}, truth)
