from clay.attributes import ATTRIBUTES
from clay.prompts import PROMPTS


def test_every_class_has_a_prompt_of_its_own():
    for name, classes in ATTRIBUTES.items():
        assert len(set(PROMPTS[name])) == len(classes)


def test_colours_and_tones_are_named_in_their_prompts():
    for name in ("hair_colour", "skin_tone", "expression"):
        assert all(word in prompt for word, prompt in zip(ATTRIBUTES[name], PROMPTS[name], strict=True))
