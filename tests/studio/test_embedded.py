import pytest

from studio.embedded import WEIGHTS, embedded, examples
from studio.events import Outcome
from studio.model import Model
from studio.pictures import load_picture
from studio.request import Request
from studio.run import steer
from studio.stops import Flag
from studio.weights import fingerprint

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world() -> Model:
    return embedded()


def test_the_digest_names_the_weights(world: Model) -> None:
    assert world.digest == fingerprint(WEIGHTS)
    assert len(world.digest) == 64


def test_each_run_gets_a_scheduler_of_its_own(world: Model) -> None:
    first, second = world.scheduler(), world.scheduler()
    first.set_timesteps(7)
    assert second.num_inference_steps is None


def test_every_example_is_a_picture() -> None:
    assert examples()
    for path in examples():
        assert load_picture(path, 64).size == (64, 64)


def test_a_face_comes_back_exactly_and_the_loss_falls(world: Model, flag: Flag) -> None:
    request = Request.checked({"prompt": "a face with red hair", "optimisation_steps": 3}, examples()[0], None, 64)
    *_, outcome = steer(world, request, flag)
    assert isinstance(outcome, Outcome)
    assert outcome.round_trip.exact
    assert outcome.best.total < outcome.curve[0].total
