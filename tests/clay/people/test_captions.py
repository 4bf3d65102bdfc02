import numpy as np
import pytest

from clay.people.captions import caption
from clay.people.person import Person
from clay.people.view import View


def many(person, view, count=300):
    rng = np.random.default_rng(0)
    return [caption(person, view, rng) for _ in range(count)]


def test_captions_mention_what_is_present():
    person = Person(hair_style="long", hair_colour="red", facial_hair="goatee", skin=5, eye_colour="green")
    captions = " | ".join(many(person, View(glasses="glasses", hat=True, expression="sad")))
    for words in ("long red hair", "a goatee", "glasses", "a hat", "dark skin", "green eyes", "sad"):
        assert words in captions


def test_captions_mention_what_is_absent():
    captions = " | ".join(many(Person(hair_style="bald"), View()))
    for words in ("no glasses", "no hat", "a clean-shaven chin", "no hair"):
        assert words in captions


@pytest.mark.parametrize("word", [" man", "woman", "boy", "girl", "male", "asian", "european", "african"])
def test_no_caption_mentions_gender_or_origin(word):
    captions = " | ".join(many(Person(facial_hair="beard"), View()) + many(Person(), View()))
    assert word not in captions.lower()


def test_eyes_behind_sunglasses_are_not_mentioned():
    assert not any("eyes" in captions for captions in many(Person(), View(glasses="sunglasses")))


def test_one_image_has_many_captions():
    assert len(set(many(Person(), View(), 100))) > 60
