import numpy as np
import pytest

from clay.people.captions import caption
from clay.people.circumstances import Circumstances
from clay.people.traits import Person


def many(person, seen, count=300):
    rng = np.random.default_rng(0)
    return [caption(person, seen, rng) for _ in range(count)]


def test_a_caption_says_what_is_there():
    person = Person(hair_style="long", hair_colour="red", facial_hair="goatee", skin=5, eye_colour="green")
    said = " | ".join(many(person, Circumstances(glasses="glasses", hat=True, expression="sad")))
    for words in ("long red hair", "a goatee", "glasses", "a hat", "dark skin", "green eyes", "sad"):
        assert words in said


def test_a_caption_says_what_is_absent():
    said = " | ".join(many(Person(hair_style="bald"), Circumstances()))
    for words in ("no glasses", "no hat", "a clean-shaven chin", "no hair"):
        assert words in said


@pytest.mark.parametrize("word", [" man", "woman", "boy", "girl", "male", "asian", "european", "african"])
def test_no_caption_speaks_of_gender_or_origin(word):
    said = " | ".join(many(Person(facial_hair="beard"), Circumstances()) + many(Person(), Circumstances()))
    assert word not in said.lower()


def test_eyes_behind_sunglasses_are_not_mentioned():
    assert not any("eyes" in said for said in many(Person(), Circumstances(glasses="sunglasses")))


def test_one_picture_is_worded_in_many_ways():
    assert len(set(many(Person(), Circumstances(), 100))) > 60
