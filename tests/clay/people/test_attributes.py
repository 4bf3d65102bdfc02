from clay.people.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.people.person import Person
from clay.people.view import View


def named(person, view):
    classes = dict(zip(ATTRIBUTES, true_classes(person, view), strict=True))
    return {name: None if i == HIDDEN else ATTRIBUTES[name][i] for name, i in classes.items()}


def test_true_classes_are_those_of_the_rendered_scene():
    truth = named(Person(hair_colour="red", facial_hair="beard", skin=4), View(glasses="sunglasses"))
    assert truth["hair_colour"] == "red"
    assert truth["facial_hair"] == "beard"
    assert truth["skin_tone"] == "dark"
    assert truth["glasses"] == "sunglasses"
    assert truth["hat"] == "no hat"


def test_a_hidden_attribute_has_no_class():
    assert named(Person(hair_style="bald"), View())["hair_colour"] is None
    assert named(Person(), View(hat=True))["hair_style"] is None
