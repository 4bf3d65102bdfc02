import re
from functools import cache

import numpy as np
import pytest

from clay.people.attributes import ATTRIBUTES, true_classes
from clay.people.captions import caption
from clay.people.dataset import scene
from clay.people.frames import FILLERS, FRAMES, SLOTS
from clay.people.prompts import PROMPTS
from clay.people.texts import (
    alternatives,
    class_text,
    class_texts,
    nothing_text,
    scene_text,
    slots_of,
    unknown_words,
    words_of,
)
from clay.people.wordings import WORDS
from tests.clay.held_out_prompts import KNOWN

IGNORED = {"a", "an", "the", *(word.removesuffix("'s") for word in words_of(FILLERS))}


def bare(text):
    """A text without what the noise changes; each word is followed by a space."""
    return "".join(f"{word} " for w in words_of(text) if (word := w.removesuffix("'s")) not in IGNORED)


def pattern(text, given):
    """A regular expression of the bare texts of "|"-separated alternatives."""
    options = []
    for option in alternatives(text):
        parts = re.split(r"\{(\w+)\}", option.replace("}'s", "}"))
        options.append(
            "".join(
                re.escape(bare(part)) if i % 2 == 0 else given.get(part) or pattern(SLOTS[part], given)
                for i, part in enumerate(parts)
            )
        )
    return f"(?:{'|'.join(dict.fromkeys(options))})"


SLOT_PATTERNS = {name: pattern(text, {}) for name, text in SLOTS.items()}


@cache
def patterns(attribute, name):
    """Regular expressions that match the bare texts of a class, one for each kind of words."""
    found = []
    for kind, words in WORDS[attribute][name].items():
        forms = [slots_of(one) for one in alternatives(words)]
        given = {
            slot: pattern(" | ".join(form[slot] for form in forms), SLOT_PATTERNS)
            for slot in set.intersection(*map(set, forms))
        }
        found.append(re.compile(pattern(FRAMES[kind], SLOT_PATTERNS | given)))
    return found


def generated(attribute, name, text):
    """Whether the grammar of a class can generate a text, whatever the noise."""
    return any(one.fullmatch(bare(text)) for one in patterns(attribute, name))


@pytest.mark.slow
def test_the_grammar_does_not_generate_the_held_out_prompts():
    assert sum(len(prompts) for *_, prompts in KNOWN) >= 60
    assert not [p for attribute, name, prompts in KNOWN for p in prompts if generated(attribute, name, p)]


def test_the_held_out_prompts_are_in_the_vocabulary():
    assert not [word for *_, prompts in KNOWN for p in prompts for word in unknown_words(p)]


@pytest.mark.parametrize(("attribute", "name"), [("hat", "no hat"), ("expression", "laughing"), ("skin_tone", "tan")])
def test_what_the_grammar_generates_is_recognised_as_such(attribute, name):
    rng = np.random.default_rng(0)
    assert all(generated(attribute, name, class_text(attribute, name, rng)) for _ in range(50))
    assert not generated("hat", "hat", "no hat")


def test_every_class_has_words_of_known_kinds():
    assert {a: set(classes) for a, classes in WORDS.items()} == {a: set(classes) for a, classes in ATTRIBUTES.items()}
    assert {kind for classes in WORDS.values() for kinds in classes.values() for kind in kinds} == set(FRAMES)


def test_texts_are_in_the_order_of_the_prompts_and_vary():
    sets = [class_texts(np.random.default_rng(seed)) for seed in range(30)]
    assert {len(texts) for texts in sets} == {sum(map(len, PROMPTS.values()))}
    red = [texts[PROMPTS["hair_colour"].index("a face with red hair")] for texts in sets]
    assert len(set(red)) > 25
    assert all(re.search("red|ginger|auburn|copper", text) for text in red)


def test_a_scene_is_named_in_the_words_of_people_and_of_the_prompts():
    rng = np.random.default_rng(0)
    texts = [scene_text(true_classes(*scene(0, 0)), rng) for _ in range(100)]
    plain = {part for _, text, _ in texts for part in re.split(" and |, | with |a face|face", text)}
    names = dict(zip(ATTRIBUTES, true_classes(*scene(0, 0)), strict=True))
    wanted = [PROMPTS[a][i].removeprefix("a face with ") for a, i in names.items() if a != "expression" and i >= 0]
    assert set(wanted) <= plain
    assert len({one.text for one in texts}) > 90


def test_attributes_can_be_left_out_of_the_plain_text():
    rng = np.random.default_rng(0)
    texts = [scene_text(true_classes(*scene(0, 0)), rng, ("clothes_colour",)) for _ in range(100)]
    named = [any(attribute == "clothes_colour" for attribute, _ in one.named) for one in texts]
    assert 10 < sum(named) < 90
    assert not any("shirt" in one.plain for one in texts)
    assert all(one.plain.startswith("a ") and not one.plain.endswith("with ") for one in texts)


def test_texts_that_name_nothing_contain_the_words_they_are_given():
    rng = np.random.default_rng(0)
    texts = [nothing_text(["parrot"], rng) for _ in range(200)]
    assert 20 < sum("parrot" in unknown_words(text) for text in texts) < 180
    assert {word for text in texts for word in unknown_words(text)} == {"parrot"}


def test_the_vocabulary_contains_the_captions_and_prompts():
    rng = np.random.default_rng(0)
    texts = [caption(*scene(i, 0), rng) for i in range(300)] + [p for prompts in PROMPTS.values() for p in prompts]
    assert not {word for text in texts for word in unknown_words(text)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A Parrot, with a man’s BEARD and a nose-ring! parrot", ["parrot", "ring"]),
        ("she doesn't wear “glasses”", []),
        ("eine Frau mit roten Haaren", ["eine", "frau", "mit", "roten", "haaren"]),
        ("髪が赤い 🙂 42", ["髪が赤い", "🙂", "42"]),
        ("", []),
    ],
)
def test_unknown_words_are_found_in_order_and_once(text, words):
    assert unknown_words(text) == words
