import pytest

from studio.models.embedded import embedded
from studio.models.interface import Model
from studio.runs.goals.suggestions import suggestion

HAT = "Hat colour can be blue, green, yellow, pink, purple, white, teal or orange."
HAIR = "Hair colour can be black, brown, blonde, red, grey, blue or pink."


@pytest.fixture(scope="module")
def world() -> Model:
    return embedded()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("a red hat", HAT),
        ("give her a BLACK cap", HAT),
        ("green hair", HAIR),
        ("make it a magenta hair", HAIR),
        ("raven hair", HAIR),
        ("red eyes", "Eye colour can be brown, blue, green or grey."),
        ("green skin", "Skin tone can be fair, tan, brown or dark."),
        ("neon pink hair", "The rest of the prompt means “pink” (hair colour)."),
        ("a lumberjack beard", "The rest of the prompt means “beard” (facial hair)."),
    ],
)
def test_what_the_model_has_instead_is_named(world: Model, prompt: str, sentence: str) -> None:
    assert suggestion(prompt, world) == sentence


@pytest.mark.slow
@pytest.mark.parametrize("prompt", ["a parrot", "an old man", "🙂", "red " * 13, "a man without a mohawk"])
def test_of_anything_else_the_attributes_are_named(world: Model, prompt: str) -> None:
    found = suggestion(prompt, world)
    assert found.startswith("The model can change hair colour, hair style,")
    assert found.endswith("clothes colour and hat colour.")


def test_a_model_with_an_open_vocabulary_makes_no_suggestion(model: Model) -> None:
    assert suggestion("a red hat", model) == ""
