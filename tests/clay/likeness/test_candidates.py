import dataclasses

import torch

from clay.likeness.candidates import candidates, scene_of
from clay.likeness.guess import Guess
from clay.likeness.light import Light
from clay.likeness.points import shape_of
from clay.people.attributes import ATTRIBUTES
from clay.people.person import FACIAL_HAIR
from tests.clay.likeness.test_points import face


def guess(light=Light(False, False), background=(0.3, 0.5, 0.9), **likely):  # noqa: B008 -- immutable
    """A guess in which the first class named is most likely, the second next."""
    chosen = {
        "hair_style": ("bob", "curly"), "hair_colour": ("red", "brown"), "facial_hair": ("none", "stubble"),
        "glasses": ("glasses", "none"), "hat": ("no hat", "hat"), "expression": ("smiling", "laughing"), **likely,
    }  # fmt: skip
    attributes = {}
    for name, (first, second) in chosen.items():
        p = torch.full((len(ATTRIBUTES[name]),), 0.01)
        p[ATTRIBUTES[name].index(second)], p[ATTRIBUTES[name].index(first)] = 0.2, 0.7
        attributes[name] = p
    return Guess(attributes, 3.2, shape_of(face()), torch.tensor(background), None, light)


def test_the_first_candidate_has_the_most_likely_values():
    person, view = scene_of(guess())
    assert (person.hair_style, person.hair_colour, person.facial_hair, person.skin) == ("bob", "red", "none", 3.2)
    assert (view.glasses, view.hat, view.expression, view.background) == ("glasses", False, "smiling", "blue")


def test_three_candidates_differ_from_each_other():
    scenes = candidates(guess())
    assert len(scenes) == len(set(scenes)) == 3
    assert scenes[1][0].hair_style == "curly"
    assert scenes[2][0].skin == 2.0  # 3.2 may be a fair face in the dark


def test_the_third_candidate_of_certain_skin_differs_in_what_is_least_certain():
    certain = dataclasses.replace(guess(), skin=0.5)
    certain.attributes["facial_hair"][FACIAL_HAIR.index("stubble")] = 0.3
    first, _, third = candidates(certain)
    assert first[0].skin == third[0].skin == 0.5
    assert third[0].facial_hair == "stubble"


def test_without_colours_the_skin_has_its_default_and_the_hair_no_hue():
    person, _ = scene_of(guess(Light(True, False)))
    assert person.skin == 1.0
    assert person.hair_colour in {"black", "brown", "grey"}
    assert all(one.hair_colour == person.hair_colour for one, _ in candidates(guess(Light(True, False))))


def test_a_grey_wall_is_white_clay():
    assert scene_of(guess(background=(0.3, 0.31, 0.3)))[1].background == "white"
