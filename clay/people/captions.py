"""Captions of an image, made from the parameters it was rendered with.

Captions mention what is absent ("no glasses", "clean-shaven", "no hat") as often as what is present. A text encoder
trained on captions that mention glasses only where there are some cannot distinguish "a face" from "a face with
glasses". No caption mentions gender or origin.
"""

import numpy as np

from clay.people.person import Person
from clay.people.view import View

_STYLED = {
    "buzzed": "buzzed {} hair",
    "short": "short {} hair",
    "quiff": "{} hair in a quiff",
    "bob": "a {} bob haircut",
    "long": "long {} hair",
    "bun": "{} hair in a bun",
    "afro": "a {} afro",
    "pigtails": "{} pigtails",
    "mohawk": "a {} mohawk",
    "curly": "curly {} hair",
}
STYLE_WORDS = {
    "bald": ("no hair", "a bald head"),
    "buzzed": ("buzzed hair",),
    "short": ("short hair",),
    "quiff": ("a quiff",),
    "bob": ("a bob haircut",),
    "long": ("long hair",),
    "bun": ("hair in a bun",),
    "afro": ("an afro",),
    "pigtails": ("pigtails",),
    "mohawk": ("a mohawk",),
    "curly": ("curly hair",),
}
FACIAL_HAIR_WORDS = {
    "none": ("a clean-shaven chin", "no beard", "no facial hair"),
    "stubble": ("stubble",),
    "moustache": ("a moustache",),
    "beard": ("a beard", "a full beard"),
    "goatee": ("a goatee",),
}
GLASSES_WORDS = {"none": ("no glasses",), "glasses": ("glasses",), "sunglasses": ("sunglasses", "dark sunglasses")}
HAT_WORDS = {"no hat": ("no hat",), "hat": ("a hat", "a beanie hat")}
EXPRESSION_WORDS = {
    "neutral": ("neutral", "calm"),
    "smiling": ("smiling", "happy"),
    "surprised": ("surprised", "astonished"),
    "sad": ("sad", "unhappy"),
    "laughing": ("laughing",),
}
_OPENINGS = ("a {}face", "a clay {}face", "a {}person", "a portrait of a {}person", "the face of a {}person")


def _pick(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def hair_phrase(person: Person, rng: np.random.Generator) -> str:
    """A random phrase for the hair: style, colour or both; "no hair" or "a bald head" for a bald person."""
    style = _pick(STYLE_WORDS[person.hair_style], rng)
    if person.hair_style == "bald":
        return style
    colour_only = f"{person.hair_colour} hair"
    both = _STYLED[person.hair_style].format(person.hair_colour)
    return _pick((both, both, colour_only, colour_only, style), rng)


def _details(person: Person, view: View, rng: np.random.Generator) -> list[str]:
    """Phrases for a random subset of the details, in random order."""
    candidates = [  # probability, phrase
        (0.75, hair_phrase(person, rng)),
        (0.55, _pick(FACIAL_HAIR_WORDS[person.facial_hair], rng)),
        (0.55, _pick(GLASSES_WORDS[view.glasses], rng)),
        (0.50, _pick(HAT_WORDS["hat" if view.hat else "no hat"], rng)),
        (0.40, f"{person.skin_tone} skin"),
        # Sunglasses hide the eyes.
        (0.30 if view.glasses != "sunglasses" else 0.0, f"{person.eye_colour} eyes"),
    ]
    chosen = [phrase for probability, phrase in candidates if rng.random() < probability]
    rng.shuffle(chosen)
    return chosen


def caption(person: Person, view: View, rng: np.random.Generator) -> str:
    """A random caption of one sentence, such as "a clay smiling face with short red hair and no glasses"."""
    mood = _pick(EXPRESSION_WORDS[view.expression], rng) + " " if rng.random() < 0.6 else ""
    sentence = _pick(_OPENINGS, rng).format(mood)
    details = _details(person, view, rng)
    if details:
        listed = ", ".join(details[:-1]) + " and " + details[-1] if len(details) > 1 else details[0]
        sentence += f" with {listed}"
    if rng.random() < 0.25:
        sentence += f" on a {view.background} background"
    return sentence.replace("a astonished", "an astonished").replace("a unhappy", "an unhappy")
