from dataclasses import replace

from benchmarks.steering.edits import EDITS, EXPRESSION_EDITS, Edit, edit_for
from clay.people.person import Person
from clay.people.view import View


def test_edits_are_for_attributes_that_a_face_shows_and_does_not_have():
    person, view = Person(hair_style="long", hair_colour="red", facial_hair="beard"), View(expression="sad")
    new = {edit.prompt for edit in EDITS if edit.is_new_for(person, view)}
    assert "a face with red hair" not in new
    assert "a face with a beard" not in new
    assert {"a face with blonde hair", "a person with glasses", "a face with a hat"} <= new
    red = Edit("a face with red hair", "hair_colour", "red")
    assert not red.is_new_for(replace(person, hair_style="bald", hair_colour="brown"), view)
    assert not red.is_new_for(replace(person, hair_colour="brown"), replace(view, hat=True))


def test_edits_are_used_in_turn_without_the_faces_own_expression():
    person, view = Person(), View(expression="surprised")
    targets = [edit_for(number, person, view, EXPRESSION_EDITS).target for number in range(4)]
    assert targets == ["smiling", "sad", "sad", "laughing"]
