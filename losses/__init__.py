"""Losses: image -> one value per image. They import neither `adjointdeis` nor `studio`.

Reading order: contract, preprocess, clip, identity, morph, closeness, weighted, augment; then the losses with a minimum
of 0 that is reached: choice, clip_choice, clip_keep, code_choice, code_keep, code_person, hinge, strangeness, shared;
then open_clip_models and faces, which load networks.
"""

from losses.augment import Augmented
from losses.clip import ClipDirectional, ClipEncoder, ClipImage, ClipText
from losses.clip_choice import ClipChoice
from losses.clip_keep import ClipKeep
from losses.closeness import Closeness, FeatureCloseness, StructureCloseness
from losses.code_choice import CodeChoice
from losses.code_keep import CodeKeep, LinearHead
from losses.code_person import CodePerson
from losses.contract import Embed, Loss, freeze
from losses.hinge import Hinge, MorphHinge, acceptance_level
from losses.identity import Identity
from losses.morph import Morph
from losses.shared import SharedEmbedding, Together
from losses.strangeness import Strangeness
from losses.weighted import WeightedSum

__all__ = [
    "Augmented",
    "ClipChoice",
    "ClipDirectional",
    "ClipEncoder",
    "ClipImage",
    "ClipKeep",
    "ClipText",
    "Closeness",
    "CodeChoice",
    "CodeKeep",
    "CodePerson",
    "Embed",
    "FeatureCloseness",
    "Hinge",
    "Identity",
    "LinearHead",
    "Loss",
    "Morph",
    "MorphHinge",
    "SharedEmbedding",
    "Strangeness",
    "StructureCloseness",
    "Together",
    "WeightedSum",
    "acceptance_level",
    "freeze",
]
