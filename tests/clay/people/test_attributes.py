from clay.people.attributes import ATTRIBUTES, HIDDEN, hidden_by, implied_by, true_classes
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
    assert named(Person(), View(hat=False))["hat_colour"] is None
    assert named(Person(), View(glasses="sunglasses"))["eye_colour"] is None


def test_colours_are_those_of_the_scene():
    view = View(hat=True, hat_colour="teal", clothes="white", background="pink")
    truth = named(Person(eye_colour="grey"), view)
    names = ("eye_colour", "background_colour", "clothes_colour", "hat_colour")
    assert [truth[name] for name in names] == ["grey", "pink", "white", "teal"]


def test_a_hat_of_a_colour_is_a_hat_which_hides_the_hair_style():
    implied = implied_by([("hat_colour", 3), ("glasses", 0)])
    assert implied == {("hat", ATTRIBUTES["hat"].index("hat"))}
    assert hidden_by(implied) == {"hair_style"}
    assert implied_by([("clothes_colour", 3)]) == set()
