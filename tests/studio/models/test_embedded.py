import copy
from collections.abc import Callable

import pytest
import torch

from adjointdeis import DiscreteAdjoint, Sampler, Unrolled, encode, sample
from clay.people.attributes import ATTRIBUTES
from losses import ClipEncoder
from losses.strangeness import out_of_distribution
from studio.core.cancellation import CancelToken
from studio.core.checksums import fingerprint
from studio.core.settings import Mode, Settings
from studio.images.load import load_picture, to_tensor
from studio.models.embedded import WEIGHTS, embedded, examples
from studio.models.interface import Model
from studio.runs.events import Outcome
from studio.runs.goals.alternatives import Alternatives, alternatives
from studio.runs.goals.asked_for import asked_for
from studio.runs.request import Request
from studio.runs.sampling import sampler_for
from studio.runs.steer import steer
from tests.clay.held_out_prompts import KNOWN, UNKNOWN

pytestmark = pytest.mark.slow
Save = Callable[[Outcome, Model], Settings]


@pytest.fixture(scope="module")
def world() -> Model:
    return embedded()


def test_the_digest_is_that_of_the_weights(world: Model) -> None:
    assert world.digest == fingerprint(WEIGHTS)
    assert len(world.digest) == 64


def read(world: Model, prompt: str) -> Alternatives:
    return alternatives(prompt, world.groups, ClipEncoder(world.clip, world.tokenizer), torch.zeros(1, 3, 64, 64))


def test_prompts_that_training_has_not_seen_find_their_class(world: Model) -> None:
    wrong = []
    for attribute, name, prompts in KNOWN:
        for prompt in prompts:
            found = read(world, prompt)
            if (found.known, found.group, found.index) != (True, attribute, ATTRIBUTES[attribute].index(name)):
                wrong.append((prompt, found))
    assert len(wrong) <= 0.05 * sum(len(prompts) for *_, prompts in KNOWN), wrong


SEVERAL = {
    "a smiling woman with sunglasses": {"expression": "smiling", "glasses": "sunglasses"},
    "a bald man with a beard": {"hair_style": "bald", "facial_hair": "beard"},
    "long blonde hair on a blue background": {
        "hair_style": "long", "hair_colour": "blonde", "background_colour": "blue",
    },
    "make her blonde and happy": {"hair_colour": "blonde", "expression": "smiling"},
    "take off the hat and glasses": {"hat": "no hat", "glasses": "none"},
    "make her hair longer and blonde": {"hair_style": "long", "hair_colour": "blonde"},
    "a blue mohawk": {"hair_style": "mohawk", "hair_colour": "blue"},
    "pink pigtails and glasses": {"hair_style": "pigtails", "hair_colour": "pink", "glasses": "glasses"},
    "remove the glasses and add a beard": {"glasses": "none", "facial_hair": "beard"},
    "without a beard and with glasses": {"facial_hair": "none", "glasses": "glasses"},
    "no hat, no glasses, smiling": {"hat": "no hat", "glasses": "none", "expression": "smiling"},
    "she is laughing and has blue hair": {"expression": "laughing", "hair_colour": "blue"},
    "a happy bearded man in a yellow hat": {
        "expression": "smiling", "facial_hair": "beard", "hat_colour": "yellow",
    },
    "dark skin, an afro, and a big smile": {"skin_tone": "dark", "hair_style": "afro", "expression": "smiling"},
    "change the hair to black and the background to pink": {"hair_colour": "black", "background_colour": "pink"},
}  # fmt: skip


@pytest.mark.parametrize("prompt", SEVERAL)
def test_a_prompt_for_several_attributes_finds_each_class(world: Model, prompt: str) -> None:
    encoder = ClipEncoder(world.clip, world.tokenizer)
    found = asked_for(prompt, world, encoder, torch.zeros(1, 3, 64, 64))
    assert {one.group: world.classes[one.group][one.index] for one in found.values()} == SEVERAL[prompt]


def test_what_is_no_class_stays_a_goal_unless_it_means_nothing(world: Model) -> None:
    encoder, start = ClipEncoder(world.clip, world.tokenizer), torch.zeros(1, 3, 64, 64)

    def found(prompt: str) -> dict[str, bool]:
        asked = asked_for(prompt, world, encoder, start)
        return {text: one.known for text, one in asked.items()}

    assert found("purple hair and sunglasses") == {"purple hair": False, "sunglasses": True}
    assert found("a black man with glasses") == {"a black man": False, "glasses": True}
    assert found("a cool guy with a hat") == {"a cool guy with a hat": True}
    assert found("purple hair") == {"purple hair": False}


def test_prompts_of_no_class_do_not_become_classes_by_their_phrases(world: Model) -> None:
    encoder, start = ClipEncoder(world.clip, world.tokenizer), torch.zeros(1, 3, 64, 64)
    assert world.unknown_words is not None
    known = [prompt for prompt in UNKNOWN if not world.unknown_words(prompt)]
    asked = {prompt: asked_for(prompt, world, encoder, start) for prompt in known}
    assert [prompt for prompt, found in asked.items() if all(one.known for one in found.values())] == []


def test_prompts_for_one_class_are_not_divided(world: Model) -> None:
    encoder, start = ClipEncoder(world.clip, world.tokenizer), torch.zeros(1, 3, 64, 64)
    prompts = [prompt for *_, some in KNOWN for prompt in some]
    assert [prompt for prompt in prompts if len(asked_for(prompt, world, encoder, start)) > 1] == []


def test_prompts_of_no_class_have_unknown_words_or_are_like_no_class(world: Model) -> None:
    assert world.unknown_words is not None
    assert not [prompt for prompt in UNKNOWN if not world.unknown_words(prompt) and read(world, prompt).known]
    assert world.unknown_words("a face with a parrot") == ["parrot"]


def test_each_run_has_its_own_scheduler(world: Model) -> None:
    first, second = world.scheduler(), world.scheduler()
    first.set_timesteps(7)
    assert second.num_inference_steps is None


def test_every_example_can_be_loaded() -> None:
    assert examples()
    for path in examples():
        assert load_picture(path, 64).size == (64, 64)


def test_the_inversion_is_lossless_and_loss_falls(
    world: Model, cancel_token: CancelToken, saved_settings: Save
) -> None:
    request = Request.checked({"prompt": "a face with red hair", "optimisation_steps": 3}, examples()[0], None, 64)
    *_, outcome = steer(world, request, cancel_token)
    assert isinstance(outcome, Outcome)
    assert outcome.round_trip.exact
    assert outcome.best.total < outcome.curve[0].total
    assert saved_settings(outcome, world) == request.settings


@pytest.mark.parametrize("steps", [1, 2, 3, 20])
@pytest.mark.parametrize("order", [1, 2])
def test_an_sde_round_trip_returns_every_bit(world: Model, steps: int, order: int) -> None:
    image = to_tensor(load_picture(examples()[0], world.size))
    scheduler = world.scheduler()
    scheduler.set_timesteps(steps)
    sampler = Sampler.from_scheduler(scheduler, sde=True, order=order, family="data", final="sigma_min")
    with torch.no_grad():
        z = world.encode(image)
        x_T, noises = encode(world.network, sampler, image, z, torch.Generator().manual_seed(3))
        *_, back = sample(world.network, sampler, x_T, z, noises)
    assert torch.equal(back, image)


@pytest.mark.parametrize("mode", ["sde", "ode"])
def test_the_gradient_through_the_sampler_is_exact(world: Model, mode: Mode) -> None:
    network = copy.deepcopy(world.network).double()  # type: ignore[attr-defined]
    sampler = sampler_for(world, Settings(mode=mode, sampling_steps=4))
    image = to_tensor(load_picture(examples()[0], world.size))
    with torch.no_grad():
        z = world.encode(image)
    assert z is not None
    code, generator = z.double(), torch.Generator().manual_seed(3)
    x_T, noises = encode(network, sampler, image.double(), code, generator, iterations=1)
    direction = torch.randn(image.shape, generator=generator, dtype=torch.float64)
    wrt = ("noises" if mode == "sde" else "x_T", "z")
    found, truth = (
        method.value_and_grad(
            network, sampler, x_T, code, lambda picture: (picture * direction).flatten(1).mean(1), noises, wrt=wrt
        )
        for method in (DiscreteAdjoint(), Unrolled())
    )
    for variable in wrt:
        exact = truth.grads[variable]
        assert exact.abs().max() > 0
        torch.testing.assert_close(found.grads[variable], exact, rtol=1e-8, atol=1e-9 * float(exact.abs().max()))


def test_the_world_at_128_pixels_has_an_autoencoder_of_its_own_and_the_other_networks_of_the_world() -> None:
    small, large = embedded(), embedded(size=128)
    assert (large.size, large.name) == (128, "clay faces, 128 px")
    assert large.digest != small.digest
    picture = to_tensor(load_picture(examples()[0], 128))
    assert large.code_root is not None
    assert large.decode_code is not None
    z = large.encode(picture)
    assert z is not None
    mean, spread = large.decode_code(z)
    assert mean.shape == picture.shape
    assert (spread > 0).all()
    assert out_of_distribution(picture, mean, spread).item() < 1.4
    texts = [ClipEncoder(model.clip, model.tokenizer).text("a hat") for model in (small, large)]
    assert torch.equal(*texts)
    sampler = sampler_for(large, Settings())
    encoding = encode(large.network, sampler, picture, z, torch.Generator().manual_seed(0))
    *_, again = sample(large.network, sampler, encoding.x_T, z, encoding.noises)
    assert torch.equal(again, picture)
