"""One prompt for each class of each attribute, to read attributes out of CLIP without training."""

from clay.attributes import ATTRIBUTES
from clay.captions import FACIAL_HAIR_WORDS, STYLE_WORDS

PROMPTS: dict[str, tuple[str, ...]] = {
    "hair_colour": tuple(f"a face with {colour} hair" for colour in ATTRIBUTES["hair_colour"]),
    "hair_style": tuple(f"a face with {STYLE_WORDS[style][0]}" for style in ATTRIBUTES["hair_style"]),
    "facial_hair": tuple(f"a face with {FACIAL_HAIR_WORDS[kind][0]}" for kind in ATTRIBUTES["facial_hair"]),
    "skin_tone": tuple(f"a face with {tone} skin" for tone in ATTRIBUTES["skin_tone"]),
    "glasses": ("a face with no glasses", "a face with glasses", "a face with sunglasses"),
    "expression": tuple(f"a {expression} face" for expression in ATTRIBUTES["expression"]),
    "hat": ("a face with no hat", "a face with a hat"),
}
