"""What to steer by: image -> one value per image. Reading order: contract, preprocess, clip, identity, closeness,
weighted, augmented.
"""

from losses.augment import Augmented
from losses.clip import ClipDirectional, ClipEncoder, ClipImage, ClipText
from losses.closeness import Closeness, FeatureCloseness, StructureCloseness
from losses.contract import Embed, Loss, freeze
from losses.identity import Identity, Morph
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
