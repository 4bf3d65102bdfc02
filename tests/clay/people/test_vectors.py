import dataclasses

import numpy as np
import torch

from clay.people.circumstances import sample_circumstances
from clay.people.numbers import (
    PERSON_NUMBERS,
    VIEW_NUMBERS,
    Readout,
    person_numbers,
    person_weights,
    scene_numbers,
    view_numbers,
)
from clay.people.traits import Person, sample_person


def scenes(count):
    rngs = [np.random.default_rng(i) for i in range(count)]
    return [(sample_person(rng), sample_circumstances(rng)) for rng in rngs]


def test_every_scene_has_the_announced_number_of_numbers_of_about_unit_size():
    numbers = scene_numbers(scenes(200))
    assert numbers.shape == (200, PERSON_NUMBERS + VIEW_NUMBERS)
    assert numbers.abs().max() <= 1.2
    assert (numbers.std(0) > 0.05).all()


def test_a_mirror_image_has_the_same_numbers():
    (person, seen), *_ = scenes(1)
    other = dataclasses.replace(person, parting=-person.parting)
    turned = dataclasses.replace(seen, yaw=-seen.yaw, roll=-seen.roll, gaze=-seen.gaze)
    assert person_numbers(other) == person_numbers(person)
    assert view_numbers(turned) == view_numbers(seen)


def test_each_trait_and_choice_changes_some_number():
    plain = person_numbers(Person())
    for change in ({"chin": 0.5}, {"skin": 4.0}, {"hair_style": "bob"}, {"eye_colour": "green"}):
        assert person_numbers(Person(**change)) != plain


def test_most_of_a_likeness_is_the_face_and_not_the_hair():
    numbers = np.array([person_numbers(person) for person, _ in scenes(2000)])
    spread = numbers.var(0) * np.square(person_weights())
    assert len(spread) == PERSON_NUMBERS
    traits, choices = spread[:19], spread[19:]
    assert np.allclose(traits, 1, atol=0.1)
    assert choices.sum() < traits.sum() / 2


def test_a_linear_readout_can_be_learned_to_nothing_left():
    torch.manual_seed(0)
    code = torch.randn(64, 8)
    numbers = code @ torch.randn(8, 5)
    network = Readout(torch.nn.Identity(), 8, 5)
    with torch.no_grad():
        solved = torch.linalg.lstsq(code, numbers).solution
        network.read.weight.copy_(solved.mT)
        network.read.bias.zero_()
    assert network.loss(code, numbers) < 1e-10
