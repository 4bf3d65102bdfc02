"""Losses: image -> one value per image. They import neither `adjointdeis` nor `studio`.

Reading order: contract, preprocess, clip, identity, morph, closeness, weighted, augment; then open_clip_models and
faces, which load networks.
"""

from losses.augment import Augmented
from losses.clip import ClipDirectional, ClipEncoder, ClipImage, ClipText
from losses.closeness import Closeness, FeatureCloseness, StructureCloseness
from losses.contract import Embed, Loss, freeze
from losses.identity import Identity
from losses.morph import Morph
from losses.weighted import WeightedSum

__all__ = [
    "Augmented",
    "ClipDirectional",
    "ClipEncoder",
    "ClipImage",
    "ClipText",
    "Closeness",
    "Embed",
    "FeatureCloseness",
    "Identity",
    "Loss",
    "Morph",
    "StructureCloseness",
    "WeightedSum",
    "freeze",
]
