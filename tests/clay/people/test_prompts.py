import numpy as np

from clay.people.attributes import ATTRIBUTES
from clay.people.prompts import PROMPTS, sample_prompts


def test_every_class_has_a_prompt_of_its_own():
    for name, classes in ATTRIBUTES.items():
        assert len(set(PROMPTS[name])) == len(classes)


def test_colours_and_tones_are_named_in_their_prompts():
    for name in ("hair_colour", "skin_tone", "expression"):
        assert all(word in prompt for word, prompt in zip(ATTRIBUTES[name], PROMPTS[name], strict=True))


def test_random_wordings_keep_the_order_of_the_classes_and_differ():
    rng = np.random.default_rng(0)
    for _ in range(50):
        for name, prompts in sample_prompts(rng).items():
            assert len(set(prompts)) == len(ATTRIBUTES[name])
            if name in ("hair_colour", "skin_tone"):
                assert all(word in prompt for word, prompt in zip(ATTRIBUTES[name], prompts, strict=True))
