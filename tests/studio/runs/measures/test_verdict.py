import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest
import torch
from PIL import Image

from studio.core.cancellation import CancelToken
from studio.core.settings import Settings
from studio.models.interface import Model
from studio.runs.events import Outcome
from studio.runs.measures.verdict import Change, Similarity, Verdict, verdict
from studio.runs.request import Request
from studio.runs.steer import steer
from tests.stub import SIZE, unpadded

GROUPS = {"hair": ("red hair", "blue hair", "no hair"), "hat": ("a hat", "a bare head")}
CLASSES = {"hair": ("red", "blue", "none"), "hat": ("hat", "no hat")}
DARK, LIGHT = (Image.new("RGB", (SIZE, SIZE), (level,) * 3) for level in (40, 200))
Read = Callable[[torch.Tensor], Mapping[str, torch.Tensor]]


def reader(hair: tuple[float, ...], hat_follows: bool = False) -> Read:
    """Dark images have no hair and a bare head; light ones have hair by these probabilities."""

    def read(image: torch.Tensor) -> Mapping[str, torch.Tensor]:
        light = image.mean() > 0
        bare = not (light and hat_follows)
        return {
            "hair": torch.tensor([hair if light else (0.0, 0.1, 0.9)]),
            "hat": torch.tensor([[0.1, 0.9] if bare else [0.8, 0.2]]),
        }

    return read


class Embedder(torch.nn.Module):
    """Two images are one person if both are dark or both are light."""

    def __init__(self, threshold: float = 0.5) -> None:
        super().__init__()
        self.thresholds = {"fmr_1_percent": threshold}

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.ones(len(image)), 3 * image.mean(dim=(1, 2, 3))], dim=1)


@pytest.fixture
def world(model: Model) -> Model:
    return replace(model, tokenizer=unpadded, groups=GROUPS, classes=CLASSES, reader=reader((0.9, 0.1, 0.0)))


def of(model: Model, prompt: str = "red hair", improving: bool = False) -> Verdict:
    return verdict(model, Settings(loss="edit", prompt=prompt), DARK, LIGHT, None, improving)


def test_a_class_that_the_held_out_classifier_predicts_is_reached(world: Model) -> None:
    found = of(world)
    assert (found.reached, found.reason) == ("yes", "")
    assert found.probability == pytest.approx(0.9)
    assert found.changed == ()


def test_another_class_is_not_reached_and_named(world: Model) -> None:
    found = of(replace(world, reader=reader((0.05, 0.95, 0.0))))
    assert found.reached == "no"
    assert found.reason.startswith("The held-out classifier sees “blue” (hair)")


def test_of_several_attributes_the_one_furthest_from_its_class_decides(world: Model) -> None:
    found = of(world, "red hair and a hat")
    assert (found.reached, found.reason) == ("no", "The held-out classifier sees “no hat” (hat) and not “a hat”.")
    assert found.probability == pytest.approx(0.1)
    assert found.changed == ()
    assert of(replace(world, reader=reader((0.9, 0.1, 0.0), hat_follows=True)), "red hair and a hat").reached == "yes"


def test_a_phrase_that_no_network_confirms_is_named_although_the_others_are_reached(world: Model) -> None:
    found = of(replace(world, reader=reader((0.9, 0.1, 0.0), hat_follows=True)), "a hat and green hair")
    assert (found.reached, found.reason) == (
        "not measured",
        "No held-out network of this model can confirm “green hair”.",
    )
    assert found.probability == pytest.approx(0.8)


def test_a_quarter_is_partly_and_a_falling_loss_is_a_reason(world: Model) -> None:
    found = of(replace(world, reader=reader((0.3, 0.7, 0.0))), improving=True)
    assert found.reached == "partly"
    assert found.reason.endswith("more optimisation steps may help.")


def test_a_prompt_that_is_no_class_is_not_measured(world: Model) -> None:
    found = of(world, "ZZZZ QQQQ")
    assert (found.reached, found.probability) == ("not measured", None)
    assert found.reason == "No held-out network of this model can confirm “ZZZZ QQQQ”."


def test_a_model_without_a_classifier_measures_no_attribute(world: Model) -> None:
    found = of(replace(world, reader=None))
    assert (found.reached, found.changed) == ("not measured", None)


def test_other_attributes_that_changed_are_named(world: Model) -> None:
    found = of(replace(world, reader=reader((0.9, 0.1, 0.0), hat_follows=True)))
    assert found.changed == (Change("hat", "no hat", "hat"),)


def test_what_an_image_cannot_show_is_no_change(world: Model) -> None:
    changing = replace(world, reader=reader((0.9, 0.1, 0.0), hat_follows=True))
    settings = Settings(loss="edit", prompt="a hat")
    assert verdict(changing, settings, DARK, LIGHT, None).changed == (Change("hair", "none", "red"),)
    hidden = replace(changing, hidden_by=lambda classes: {"hair"} if ("hat", 0) in classes else set())
    assert verdict(hidden, settings, DARK, LIGHT, None).changed == ()


def test_the_person_is_compared_with_the_start_by_every_held_out_embedder(world: Model) -> None:
    found = of(replace(world, held_out={"strict": Embedder(0.9), "lenient": Embedder(-1.0)}))
    assert {one.name: one.accepted for one in found.same} == {"strict": False, "lenient": True}
    assert found.target == ()


@pytest.mark.parametrize(
    ("thresholds", "reached"), [((-1.0, -1.0), "yes"), ((0.99, -1.0), "partly"), ((0.99, 0.99), "no")]
)
def test_another_person_is_reached_if_all_held_out_embedders_accept(
    world: Model, thresholds: tuple[float, float], reached: str
) -> None:
    held_out = dict(zip(("a", "b"), map(Embedder, thresholds), strict=True))
    found = verdict(replace(world, held_out=held_out), Settings(loss="identity"), DARK, DARK, LIGHT)
    assert (found.reached, len(found.target), found.same) == (reached, 2, ())
    assert found.reason == "" or "1 %" in found.reason


def test_the_score_is_that_of_the_result(world: Model) -> None:
    def decode(z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean = torch.zeros(len(z), 3, SIZE, SIZE)
        return mean, torch.full_like(mean, 0.5)

    assert of(replace(world, decode_code=decode)).score == pytest.approx((200 / 127.5 - 1) / 0.5, rel=1e-4)
    assert of(world).score is None


def test_a_verdict_survives_a_file() -> None:
    one = Verdict("partly", 0.3, "Why.", (Change("hat", "no hat", "hat"),), (Similarity("a", 0.5, 0.4),), (), 1.1)
    assert Verdict.from_json(json.loads(json.dumps(one.to_json()))) == one
    assert Verdict.from_json(Verdict("yes").to_json()) == Verdict("yes")


def test_a_run_ends_with_the_verdict_on_its_result(
    world: Model, request_for: Callable[..., Request], cancel_token: CancelToken
) -> None:
    *_, outcome = steer(world, request_for(loss="edit", prompt="red hair", optimisation_steps=1), cancel_token)
    assert isinstance(outcome, Outcome)
    assert outcome.verdict == verdict(
        world, outcome.settings, outcome.before, outcome.after, None, outcome.best is outcome.curve[-1]
    )


def test_a_prompt_with_words_outside_the_vocabulary_is_never_reached(world: Model) -> None:
    found = of(replace(world, unknown_words=lambda text: ["hair"]))
    assert found.reached == "no"
    assert "not trained on “hair”" in found.reason


def test_the_probability_of_a_prompt_with_an_unknown_word_is_not_shown(world: Model) -> None:
    closed = replace(world, unknown_words=lambda text: [word for word in text.split() if word == "neon"])
    found = of(closed, "neon hair")
    assert (found.reached, found.probability) == ("no", None)


def test_after_a_prompt_that_is_no_class_the_attributes_are_named(world: Model) -> None:
    found = of(replace(world, unknown_words=lambda text: []), "ZZZZ QQQQ")
    assert found.reason.endswith("can confirm “ZZZZ QQQQ”. The model can change hair and hat.")


def test_another_person_may_have_another_hair_but_no_other_hat(world: Model) -> None:
    changing = replace(
        world, reader=reader((0.9, 0.1, 0.0), hat_follows=True), held_out={"a": Embedder()}, person_groups=("hair",)
    )
    found = verdict(changing, Settings(loss="identity"), DARK, LIGHT, LIGHT)
    assert found.changed == (Change("hat", "no hat", "hat"),)


def test_an_earlier_edit_that_was_lost_is_a_change_from_its_own_class(world: Model) -> None:
    kept = replace(world, reader=reader((0.9, 0.1, 0.0), hat_follows=True))
    lost = replace(world, reader=reader((0.9, 0.1, 0.0)))
    asked = Settings(loss="edit", prompt="red hair", earlier="blue hair; a hat")
    assert verdict(kept, asked, DARK, LIGHT, None).changed == ()
    assert verdict(lost, asked, DARK, LIGHT, None).changed == (Change("hat", "hat", "no hat"),)


def test_what_the_prompt_implies_is_no_other_change(world: Model) -> None:
    hat = replace(world, reader=reader((0.9, 0.1, 0.0), hat_follows=True))
    implying = replace(hat, implied_by=lambda classes: {("hat", 0)} if ("hair", 0) in classes else set())
    asked = Settings(loss="edit", prompt="red hair")
    assert [change.attribute for change in verdict(hat, asked, DARK, LIGHT, None).changed or ()] == ["hat"]
    assert verdict(implying, asked, DARK, LIGHT, None).changed == ()


def test_a_class_that_another_one_hides_is_not_reached(world: Model) -> None:
    hat = replace(world, reader=reader((0.9, 0.1, 0.0), hat_follows=True))
    hidden = replace(hat, hidden_by=lambda classes: {"hair"} if ("hat", 0) in classes else set())
    asked = Settings(loss="edit", prompt="red hair")
    assert verdict(hat, asked, DARK, LIGHT, None).reached == "yes"
    found = verdict(hidden, asked, DARK, LIGHT, None)
    assert found.reached == "no"
    assert found.reason == "The held-out classifier sees “hat” (hat), and then there is no hair."


@pytest.mark.parametrize(("p", "reached"), [(0.9, "yes"), (0.3, "partly"), (0.1, "no")])
def test_a_second_clip_confirms_a_prompt_that_is_no_class(world: Model, p: float, reached: str) -> None:
    def read_texts(image: torch.Tensor, texts: Sequence[str]) -> torch.Tensor:
        assert texts[-1] == "ZZZZ QQQQ"
        others = [1 - p, *[0.0] * (len(texts) - 2)]
        return torch.tensor([[*others, p]])

    found = verdict(replace(world, read_texts=read_texts), Settings(loss="edit", prompt="ZZZZ QQQQ"), DARK, LIGHT, None)
    assert found.reached == reached
    assert found.probability == pytest.approx(p)
    assert (found.reason == "") == (reached == "yes")
