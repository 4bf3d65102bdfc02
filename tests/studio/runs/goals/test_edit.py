from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from PIL import Image

from clay.people.person import Person
from clay.people.view import View
from clay.rendering.render import render_all
from losses import ClipEncoder, CodeChoice, LinearHead, WeightedSum
from losses.shared import Together
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.core.settings import Settings
from studio.images.load import to_tensor
from studio.models.embedded import embedded
from studio.models.interface import Model
from studio.runs.events import Outcome
from studio.runs.goals.alternatives import shown_classes
from studio.runs.goals.edit import REVEALED, edit
from studio.runs.measures.history import IMPROVEMENT, PATIENCE, RunHistory
from studio.runs.request import Request
from studio.runs.steer import steer
from tests.stub import SIZE, unpadded

GROUPS = {"hair": ("red hair", "blue hair", "no hair"), "hat": ("a hat", "a bare head")}
START = torch.rand((1, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(6)) * 2 - 1


@pytest.fixture
def whole(model: Model) -> Model:
    """A model with heads on its code and a reconstruction."""
    generator = torch.Generator().manual_seed(3)
    heads = {
        name: LinearHead(torch.randn(len(texts), 12, generator=generator), torch.zeros(len(texts)))
        for name, texts in GROUPS.items()
    }

    def decode_code(z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean = torch.tanh(z[:, :1, None, None]).expand(len(z), 3, SIZE, SIZE)
        return mean, torch.full_like(mean, 0.1)

    return replace(model, tokenizer=unpadded, groups=GROUPS, heads=heads, decode_code=decode_code)


def terms_of(model: Model, prompt: str) -> dict[str, torch.Tensor]:
    loss = edit(Settings(loss="edit", prompt=prompt), model, START, START).loss
    assert isinstance(loss, WeightedSum)
    return loss.terms(START)


def test_a_known_prompt_has_both_classifiers_in_goal_and_keep(whole: Model) -> None:
    terms = terms_of(whole, "red hair")
    names = {"goal", "kept", "goal in the code", "kept in the code", "same person", "out of distribution"}
    assert set(terms) == names
    assert terms["kept"].item() == pytest.approx(0, abs=1e-5)
    assert terms["kept in the code"].item() == pytest.approx(0, abs=1e-5)


def test_another_prompt_is_no_class_of_the_heads(whole: Model) -> None:
    assert "goal in the code" not in terms_of(whole, "ZZZZ QQQQ")


def test_a_model_without_heads_code_and_face_network_has_the_terms_of_its_clip(model: Model) -> None:
    assert set(terms_of(replace(model, identity=None), "red hair")) == {"goal", "kept"}


def test_a_run_shows_the_probability_and_ends_when_nothing_improves(
    whole: Model, request_for: Callable[..., Request], cancel_token: CancelToken
) -> None:
    request = request_for(loss="edit", prompt="red hair", optimisation_steps=60, closeness=0.1)
    *_, outcome = steer(whole, request, cancel_token)
    assert isinstance(outcome, Outcome)
    (shown,) = outcome.best.similarity
    assert shown == "Probability of “red hair”"
    assert 0 <= outcome.best.similarity[shown] <= 1
    assert outcome.best.similarity[shown] > outcome.curve[0].similarity[shown]
    assert outcome.curve[-1].step < 60
    *before, _, _, _ = outcome.curve
    met = RunHistory(request.settings.goal.reached).met
    lowest = min(point.total for point in before if met(point))
    assert PATIENCE == 3
    assert all(point.total >= (1 - IMPROVEMENT) * lowest for point in outcome.curve[-PATIENCE:])


def test_the_attribute_of_the_prompt_is_named(whole: Model) -> None:
    prompts = ("red hair", "xyz", "red hair and a hat", "a hat and green hair")
    named = [edit(Settings(prompt=prompt), whole, START, START).attributes for prompt in prompts]
    assert named == [("hair",), (), ("hair", "hat"), ()]


def test_a_prompt_for_two_attributes_has_the_goals_of_both_and_keeps_neither(whole: Model) -> None:
    groups = {**GROUPS, "tie": ("a tie", "no tie")}
    model = replace(whole, groups=groups, heads={})

    def found(prompt: str) -> tuple[dict[str, torch.Tensor], set[str]]:
        term = edit(Settings(loss="edit", prompt=prompt), model, START, START)
        assert isinstance(term.loss, WeightedSum)
        return term.loss.terms(-START), set(term.similarities)

    (hair, _), (hat, _), (both, shown) = found("blue hair"), found("a hat"), found("blue hair and a hat")
    assert shown == {"Probability of “blue hair”", "Probability of “a hat”"}
    torch.testing.assert_close(both["goal"], hair["goal"] + hat["goal"])
    assert both["kept"] < min(hair["kept"], hat["kept"])


def test_each_part_of_an_earlier_prompt_counts_until_a_later_one_is_about_its_attribute(whole: Model) -> None:
    settings = Settings(loss="edit", prompt="blue hair", earlier="red hair and a hat")
    term = edit(settings, whole, START, START)
    assert set(term.similarities) == {"Probability of “blue hair”", "Probability of “a hat”"}
    assert term.attributes == ("hair",)


def test_what_may_change_is_not_kept(whole: Model) -> None:
    def terms(may_change: str) -> set[str]:
        settings = Settings(loss="edit", prompt="red hair", may_change=may_change)
        loss = edit(settings, whole, START, START).loss
        assert isinstance(loss, WeightedSum)
        return set(loss.terms(START))

    assert "same person" in terms("background")
    assert "same person" not in terms("person, background")


def test_an_attribute_that_may_change_costs_nothing(whole: Model) -> None:
    groups = {**GROUPS, "tie": ("a tie", "no tie")}
    model = replace(whole, groups=groups, heads={})

    def kept(may_change: str) -> float:
        settings = Settings(loss="edit", prompt="red hair", may_change=may_change)
        loss = edit(settings, model, START, START).loss
        assert isinstance(loss, WeightedSum)
        return float(loss.terms(-START)["kept"])

    assert kept("tie") + kept("hat") == pytest.approx(kept(""), rel=1e-4)


def test_an_attribute_that_the_goal_hides_is_not_kept(whole: Model) -> None:
    """One of the hats, which START does not show, hides the hair: its prompt does not keep the hair, the other does."""
    groups = {**GROUPS, "tie": ("a tie", "no tie")}
    shown = dict(shown_classes(ClipEncoder(whole.clip, whole.tokenizer), START, groups))["hat"]
    hiding = ("hat", 1 - shown)
    model = replace(whole, groups=groups, heads={}, hidden_by=lambda classes: {"hair"} if hiding in classes else set())

    def kept(prompt: str, may_change: str = "") -> float:
        settings = Settings(loss="edit", prompt=prompt, may_change=may_change)
        loss = edit(settings, model, START, START).loss
        assert isinstance(loss, WeightedSum)
        return float(loss.terms(-START)["kept"])

    there, hides = GROUPS["hat"][shown], GROUPS["hat"][1 - shown]
    assert kept(hides) == kept(hides, "hair")
    assert kept(there) != kept(there, "hair")


def test_an_attribute_that_the_start_hides_is_not_kept(whole: Model) -> None:
    """The tie of START is read as 0 or 1; a model in which that class hides the hat does not keep the hat."""
    groups = {**GROUPS, "tie": ("a tie", "no tie")}
    encoder = ClipEncoder(whole.clip, whole.tokenizer)
    shown = dict(shown_classes(encoder, START, groups))["tie"]

    def kept(hiding: int) -> float:
        model = replace(
            whole, groups=groups, heads={}, hidden_by=lambda classes: {"hat"} if ("tie", hiding) in classes else set()
        )
        loss = edit(Settings(loss="edit", prompt="red hair"), model, START, START).loss
        assert isinstance(loss, WeightedSum)
        return float(loss.terms(-START)["kept"])

    assert kept(shown) < kept(1 - shown)


def test_an_attribute_that_the_clip_does_not_see_is_left_to_the_heads(whole: Model) -> None:
    blind = replace(whole, unseen=("hair",))
    terms = terms_of(blind, "red hair")
    assert {"kept", "goal in the code"} < set(terms)
    assert "goal" not in terms
    term = edit(Settings(loss="edit", prompt="red hair"), blind, START, START)
    (shown,) = term.similarities.values()
    z = whole.encode(START)
    assert z is not None
    head = whole.heads["hair"]
    p = torch.softmax(torch.nn.functional.linear(z, head.weight, head.bias), dim=1)
    assert float(shown(START)) == pytest.approx(1 - float(p[0, 0]), abs=1e-5)
    other = edit(Settings(loss="edit", prompt="a hat"), blind, START, START).loss
    assert isinstance(other, WeightedSum)
    assert other.terms(-START)["kept in the code"] > 0
    assert "kept" not in other.terms(START)


def test_what_the_goal_implies_is_a_goal_as_after_an_earlier_edit(whole: Model) -> None:
    """Red hair implies a hat here, so its terms are those of red hair on top of an earlier edit towards a hat."""
    implying = replace(whole, implied_by=lambda classes: {("hat", 0)} if ("hair", 0) in classes else set())
    assert terms_of(implying, "red hair") == terms_after(whole, "a hat")
    assert "earlier edits" not in terms_of(implying, "blue hair")


@pytest.mark.parametrize(
    ("may_change", "sentence"),
    [
        ("nose", "May change: this model has no “nose”; choose among hair, hat, person, background."),
        ("hair, hat", "Something has to be kept"),
    ],
)
def test_names_that_the_model_lacks_are_refused(whole: Model, may_change: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        edit(Settings(loss="edit", prompt="red hair", may_change=may_change), whole, START, START)


def terms_after(model: Model, earlier: str, prompt: str = "red hair") -> dict[str, torch.Tensor]:
    loss = edit(Settings(loss="edit", prompt=prompt, earlier=earlier), model, START, START).loss
    assert isinstance(loss, WeightedSum)
    return loss.terms(START)


def test_an_earlier_edit_of_another_attribute_is_a_goal_of_its_own_term(whole: Model) -> None:
    terms, alone = terms_after(whole, "a hat"), terms_of(whole, "a hat")
    assert terms["goal"] == terms_of(whole, "red hair")["goal"]
    # the margin is larger, and the CLIP's logits are the same
    assert terms["earlier edits"].item() == pytest.approx(max(alone["goal"].item() + 0.01 - 0.1, 0), abs=1e-4)
    assert "earlier edits in the code" in terms


@pytest.mark.parametrize(("earlier", "there"), [("blue hair", False), ("", False), ("a hat; a bare head", True)])
def test_the_latest_edit_of_an_attribute_counts(whole: Model, earlier: str, there: bool) -> None:
    terms = terms_after(whole, earlier)
    assert ("earlier edits" in terms) == there
    if there:
        bare, hat = (terms_after(whole, one)["earlier edits"] for one in ("a bare head", "a hat"))
        assert terms["earlier edits"] == bare != hat


def test_a_chain_of_edits_of_all_attributes_keeps_none(whole: Model) -> None:
    terms = terms_after(whole, "a hat")
    assert {"kept", "kept in the code"}.isdisjoint(terms)
    assert {"kept", "kept in the code"} <= set(terms_of(whole, "red hair"))


@pytest.fixture
def clay_model() -> Model:
    return embedded(size=64)


def revealed(model: Model, start: torch.Tensor, prompt: str) -> dict[str, int]:
    """Attributes and classes that come into view, by the losses of z."""
    found = edit(Settings(loss="edit", prompt=prompt), model, start, start).on_z
    choices = [one for _, loss in found if isinstance(loss, Together) and loss.name == REVEALED for one in loss.losses]
    heads = {head.weight.data_ptr(): name for name, head in model.heads.items()}
    return {heads[one.weight.data_ptr()]: int(one.index) for one in choices if isinstance(one, CodeChoice)}


def picture(person: Person, view: View) -> torch.Tensor:
    return to_tensor(Image.fromarray(render_all([(person, view)], size=64)[0]))


def test_a_new_hat_gets_the_colour_that_is_least_like_the_picture(clay_model: Model) -> None:
    start = picture(Person(hair_style="short"), View(hat=False))
    (colour,) = revealed(clay_model, start, "a face with a hat").items()
    head = clay_model.heads["hat_colour"]
    z = clay_model.encode(start)
    assert z is not None
    assert colour == ("hat_colour", int((z @ head.weight.T + head.bias)[0].argmin()))


def test_eyes_behind_sunglasses_get_their_likeliest_colour_when_they_come_off(clay_model: Model) -> None:
    start = picture(Person(), View(glasses="sunglasses"))
    (colour,) = revealed(clay_model, start, "a face without glasses").items()
    head = clay_model.heads["eye_colour"]
    z = clay_model.encode(start)
    assert z is not None
    assert colour == ("eye_colour", int((z @ head.weight.T + head.bias)[0].argmax()))


@pytest.mark.parametrize("prompt", ["a face with blue hair", "a person with a yellow hat", "a smiling face"])
def test_nothing_else_gets_a_class(clay_model: Model, prompt: str) -> None:
    assert not revealed(clay_model, picture(Person(hair_style="short"), View()), prompt)
