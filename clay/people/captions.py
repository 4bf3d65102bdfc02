"""A sentence about a picture, from the parameters it was rendered with.

What is absent is said as often as what is there ("no glasses", "clean-shaven", "no hat"): a text model that
only ever hears of glasses when there are some cannot tell "a face" from "a face with glasses". Nothing is said
of gender or origin.
"""

import numpy as np

from clay.people.circumstances import Circumstances
from clay.people.traits import Person

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
    """Style, colour or both; a bald person has "no hair"."""
    style = _pick(STYLE_WORDS[person.hair_style], rng)
    if person.hair_style == "bald":
        return style
    colour_only = f"{person.hair_colour} hair"
    both = _STYLED[person.hair_style].format(person.hair_colour)
    return _pick((both, both, colour_only, colour_only, style), rng)


def _details(person: Person, seen: Circumstances, rng: np.random.Generator) -> list[str]:
    """Each detail with the odds it is mentioned; long and short captions both occur."""
    offered = [
        (0.75, hair_phrase(person, rng)),
        (0.55, _pick(FACIAL_HAIR_WORDS[person.facial_hair], rng)),
        (0.55, _pick(GLASSES_WORDS[seen.glasses], rng)),
        (0.50, _pick(HAT_WORDS["hat" if seen.hat else "no hat"], rng)),
        (0.40, f"{person.skin_tone} skin"),
        # Nobody can see eyes behind sunglasses.
        (0.30 if seen.glasses != "sunglasses" else 0.0, f"{person.eye_colour} eyes"),
    ]
    chosen = [phrase for odds, phrase in offered if rng.random() < odds]
    rng.shuffle(chosen)
    return chosen


def caption(person: Person, seen: Circumstances, rng: np.random.Generator) -> str:
    """One sentence; another call words it differently and mentions other things."""
    mood = _pick(EXPRESSION_WORDS[seen.expression], rng) + " " if rng.random() < 0.6 else ""
    sentence = _pick(_OPENINGS, rng).format(mood)
    details = _details(person, seen, rng)
    if details:
        listed = ", ".join(details[:-1]) + " and " + details[-1] if len(details) > 1 else details[0]
        sentence += f" with {listed}"
    if rng.random() < 0.25:
        sentence += f" on a {seen.background} background"
    return sentence.replace("a astonished", "an astonished").replace("a unhappy", "an unhappy")
