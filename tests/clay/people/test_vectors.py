import dataclasses

import numpy as np

from clay.people.person import Person, sample_person
from clay.people.vectors import (
    PERSON_SIZE,
    VIEW_SIZE,
    person_vector,
    person_weights,
    scene_vectors,
    view_vector,
)
from clay.people.view import sample_view


def scenes(count):
    rngs = [np.random.default_rng(i) for i in range(count)]
    return [(sample_person(rng), sample_view(rng)) for rng in rngs]


def test_vectors_have_the_stated_length_and_entries_of_about_unit_size():
    vectors = scene_vectors(scenes(200))
    assert vectors.shape == (200, PERSON_SIZE + VIEW_SIZE)
    assert vectors.abs().max() <= 1.2
    assert (vectors.std(0) > 0.05).all()


def test_a_mirror_image_has_the_same_vectors():
    (person, view), *_ = scenes(1)
    other = dataclasses.replace(person, parting=-person.parting)
    turned = dataclasses.replace(view, yaw=-view.yaw, roll=-view.roll, gaze=-view.gaze)
    assert person_vector(other) == person_vector(person)
    assert view_vector(turned) == view_vector(view)


def test_each_trait_and_choice_changes_the_vector():
    plain = person_vector(Person())
    for change in ({"chin": 0.5}, {"skin": 4.0}, {"hair_style": "bob"}, {"eye_colour": "green"}):
        assert person_vector(Person(**change)) != plain


def test_traits_have_more_weight_in_the_similarity_than_choices():
    vectors = np.array([person_vector(person) for person, _ in scenes(2000)])
    spread = vectors.var(0) * np.square(person_weights())
    assert len(spread) == PERSON_SIZE
    traits, choices = spread[:19], spread[19:]
    assert np.allclose(traits, 1, atol=0.1)
    assert choices.sum() < traits.sum() / 2
