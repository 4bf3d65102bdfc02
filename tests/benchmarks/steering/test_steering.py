from dataclasses import replace

from benchmarks.steering import EDITS, MOODS, Edit, details, edit_for, table
from clay.people.view import View
from clay.people.person import Person


def test_edits_ask_only_for_what_a_face_lacks_and_shows():
    person, seen = Person(hair_style="long", hair_colour="red", facial_hair="beard"), View(expression="sad")
    new = {edit.prompt for edit in EDITS if edit.is_new_for(person, seen)}
    assert "a face with red hair" not in new
    assert "a face with a beard" not in new
    assert {"a face with blonde hair", "a person with glasses", "a face with a hat"} <= new
    red = Edit("a face with red hair", "hair_colour", "red")
    assert not red.is_new_for(replace(person, hair_style="bald", hair_colour="brown"), seen)
    assert not red.is_new_for(replace(person, hair_colour="brown"), replace(seen, hat=True))


def test_prompts_come_in_turn_and_another_expression_is_asked_for_than_there_is():
    person, seen = Person(), View(expression="surprised")
    asked = [edit_for(number, person, seen, MOODS).wanted for number in range(4)]
    assert asked == ["smiling", "sad", "sad", "laughing"]


def test_the_table_counts_what_the_rows_say():
    row = {"kind": "text", "loss_before": 0.5, "loss_after": 0.2, "similarity_before": 0.5, "similarity_after": 0.8}
    row |= {"confirmed": True, "round_trip_levels": 0, "seconds": 9.0, "prompt": "a hat", "others_changed": []}
    worse = row | {"loss_after": 0.6, "confirmed": False, "round_trip_levels": 2, "others_changed": ["hat", "glasses"]}
    _, _, line, *rest = table([row, worse, row])
    assert "| 3 text | 2 of 3 | 0.50 -> 0.80 | attribute reader: 2 of 3 | 2 of 255 levels | 9.0 |" in line
    assert "a hat: 2 of 3" in rest[0]
    assert "0.7 change on average, and none in 2 of 3" in rest[1]


def test_each_embedder_is_counted_by_itself():
    row = {"kind": "morph", "accepted": {"identity": True, "judge": False}}
    assert [*details([row, row | {"accepted": {"identity": True, "judge": True}}])] == [
        "\nAccepted, morph: identity 2 of 2, judge 1 of 2, all 1 of 2."
    ]
