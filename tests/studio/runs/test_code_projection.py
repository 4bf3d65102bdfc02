from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from adjointdeis import encode
from losses import CodeChoice, CodeKeep, CodePerson, LinearHead
from losses.shared import OnEmbedding
from studio.core.cancellation import CancelToken
from studio.core.settings import Settings, Variables
from studio.images.crop import Crop
from studio.images.load import load_picture
from studio.models.embedded import embedded, examples
from studio.runs.base import Run
from studio.runs.code_projection import code_projection, in_turn, pull_to_likely
from studio.runs.events import Outcome
from studio.runs.goals.measured_loss import of_z
from studio.runs.interpolation import Code
from studio.runs.request import Request
from studio.runs.steer import steer

D = 48


def seeded(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def head(seed: int, classes: int) -> LinearHead:
    return LinearHead(seeded(seed, classes, D), seeded(seed + 1, classes))


def flat(image: Tensor) -> Tensor:
    """An encoder whose codes are the images themselves, (b, 3, 4, 4)."""
    return image.flatten(1)


@pytest.fixture
def root() -> Tensor:
    square = seeded(0, D, D)
    return torch.linalg.matrix_power(square @ square.T + torch.eye(D), 1) / D


@pytest.fixture
def start() -> Tensor:
    return seeded(7, 3, D)


@pytest.fixture
def kept(start: Tensor) -> CodeKeep:
    return CodeKeep(flat, {"hair": head(1, 4), "glasses": head(3, 2)}, start.view(3, 3, 4, 4))


@dataclass
class Above:
    """relu(level - w z)."""

    w: Tensor
    level: float
    name: str = "above"

    def of(self, code: Tensor) -> Tensor:
        return torch.relu(self.level - code @ self.w)


def test_one_linear_goal_is_met_at_the_nearest_code(root: Tensor, start: Tensor) -> None:
    w = seeded(5, D)
    project = code_projection([(2.0, Above(w, -3.0))], root)
    assert project is not None
    z = project({"z": start}, {"z": start})["z"]
    missing = torch.relu(-3.0 - start @ w)
    c = root.T @ root @ w  # the covariance times w
    torch.testing.assert_close(z, start + missing[:, None] * c / (w @ c), atol=1e-4, rtol=1e-4)
    assert missing.gt(0).any()
    assert missing.eq(0).any()  # and a code that meets it already stays where it is


def test_goals_are_met_and_no_probability_of_what_is_kept_changes(root: Tensor, start: Tensor, kept: CodeKeep) -> None:
    choice = CodeChoice(flat, *head(9, 5), index=2, margin=0.01)
    person = CodePerson(flat, LinearHead(seeded(11, 4, D), torch.zeros(4)), seeded(12, 1, D), level=0.1)
    goals: list[OnEmbedding] = [choice, person]
    assert all(goal.of(start).gt(0.1).all() for goal in goals)
    project = code_projection([*((5.0, goal) for goal in goals), (3.0, kept)], root)
    assert project is not None
    z = project({"z": start}, {"z": start})["z"]
    for goal in goals:
        torch.testing.assert_close(goal.of(z), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(kept.of(z), torch.zeros(3), atol=1e-6, rtol=0)
    for one in kept.heads.values():
        before, after = ((code @ one.weight.T).softmax(1) for code in (start, z))
        torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)


def test_a_step_loses_only_what_would_change_what_is_kept(root: Tensor, start: Tensor, kept: CodeKeep) -> None:
    # in double precision, because the vectors of the last comparison have lengths near 100 in u
    start, root = start.double(), root.double()
    heads = {name: LinearHead(one.weight.double(), one.bias.double()) for name, one in kept.heads.items()}
    kept = CodeKeep(flat, heads, start.view(3, 3, 4, 4))
    project = code_projection([(3.0, kept)], root)
    assert project is not None
    step = seeded(20, 3, D)
    moved = project({"z": start}, {"z": start + step})["z"] - start
    torch.testing.assert_close(kept.of(start + moved), torch.zeros(3).double(), atol=1e-6, rtol=0)
    again = project({"z": start}, {"z": start + moved})["z"] - start
    torch.testing.assert_close(again, moved, atol=1e-4, rtol=1e-4)
    # in u the lost part is orthogonal to what is left
    u_moved, u_lost = (v @ torch.linalg.inv(root) for v in (moved, step - moved))
    torch.testing.assert_close((u_moved * u_lost).sum(1), torch.zeros(3).double(), atol=1e-3, rtol=0)


def test_images_of_a_batch_do_not_depend_on_each_other(root: Tensor, start: Tensor, kept: CodeKeep) -> None:
    project = code_projection([(1.0, CodeChoice(flat, *head(9, 5), index=2)), (3.0, kept)], root)
    assert project is not None
    broken = start.clone()
    broken[1] = float("nan")
    whole = project({"z": start}, {"z": start})["z"]
    rest = project({"z": start}, {"z": broken})["z"]
    torch.testing.assert_close(rest[[0, 2]], whole[[0, 2]], atol=1e-5, rtol=1e-5)
    assert rest[1].isnan().all()


def test_a_goal_that_what_is_kept_forbids_leaves_a_finite_code(start: Tensor) -> None:
    hair = head(1, 4)
    goal = CodeChoice(flat, *hair, index=3, margin=0.0)
    project = code_projection([(1.0, goal), (1.0, CodeKeep(flat, {"hair": hair}, start.view(3, 3, 4, 4)))], None)
    assert project is not None
    z = project({"z": start}, {"z": start})["z"]
    assert z.isfinite().all()
    assert (z - start).norm(dim=1).max() <= (2 * D) ** 0.5 + 1e-4


def test_without_losses_of_z_there_is_no_projection() -> None:
    assert code_projection([], None) is None
    assert in_turn([None, None]) is None


def test_projections_see_what_those_before_them_made() -> None:
    both = in_turn([lambda _, after: {"z": after["z"] + 1}, None, lambda _, after: {"noises": 2 * after["z"]}])
    assert both is not None
    one = torch.ones(1)
    found = both({"z": one}, {"z": one, "noises": one})
    assert (found["z"].item(), found["noises"].item()) == (2, 4)


@pytest.mark.parametrize("variables", ["both", "z"])
@pytest.mark.slow
def test_after_one_update_of_an_edit_z_meets_the_goal_and_keeps_the_rest(
    variables: Variables, cancel_token: CancelToken
) -> None:
    model = embedded(size=64)
    settings = Settings(
        loss="edit", prompt="a face with blue hair", sampling_steps=2, optimisation_steps=1, variables=variables
    )
    *_, outcome = steer(model, Request(settings, load_picture(examples()[0], 64, Crop())), cancel_token)
    assert isinstance(outcome, Outcome)
    before, after = (point.terms for point in outcome.curve)
    goal, kept = of_z(CodeChoice.name), of_z(CodeKeep.name)
    assert before[goal] > 1
    assert after[goal] < 1e-5
    assert abs(after[kept]) < 1e-4


def test_the_pull_leaves_out_what_it_would_change_about_the_images_themselves(start: Tensor) -> None:
    def denoise(z: Tensor) -> Tensor:
        return z.square()

    pull = pull_to_likely(denoise, start[:1])
    torch.testing.assert_close(pull(start[:1]), torch.zeros(1, D))
    torch.testing.assert_close(pull(start[1:2]), (start[1:2].square() - start[1:2]) - (start[:1].square() - start[:1]))


def test_goals_are_met_nearer_to_likely_codes_and_the_kept_probabilities_stay(
    root: Tensor, start: Tensor, kept: CodeKeep
) -> None:
    """Codes are likely where the last coordinate is that of the start: the pull returns it there."""

    def denoise(z: Tensor) -> Tensor:
        return torch.cat([z[:, :-1], start[:, -1:]], dim=1)

    choice = CodeChoice(flat, *head(9, 5), index=2, margin=0.01)
    found = []
    for pull in (None, pull_to_likely(denoise, start)):
        project = code_projection([(1.0, choice), (3.0, kept)], root, pull)
        assert project is not None
        z = project({"z": start}, {"z": start})["z"]
        torch.testing.assert_close(choice.of(z), torch.zeros(3), atol=1e-5, rtol=0)
        torch.testing.assert_close(kept.of(z), torch.zeros(3), atol=1e-6, rtol=0)
        found.append((z - start)[:, -1].abs())
    assert found[1].mean() < 0.7 * found[0].mean()


def test_codes_that_meet_the_goals_already_are_not_pulled(root: Tensor, start: Tensor) -> None:
    choice = CodeChoice(flat, *head(9, 5), index=[2, 2, 2], margin=0.01)
    project = code_projection([(1.0, choice)], root, pull_to_likely(torch.zeros_like, torch.ones(1, D)))
    assert project is not None
    first = project({"z": start}, {"z": start})["z"]
    assert ((first - start).norm(dim=1) > 0.1).all()
    mixed = torch.stack([first[0], start[1], first[2]])
    again = project({"z": mixed}, {"z": mixed})["z"]
    torch.testing.assert_close(again[[0, 2]], first[[0, 2]], atol=1e-5, rtol=0)
    assert (again[1] - mixed[1]).norm() > 0.1


@pytest.mark.slow
def test_an_update_moves_z_to_likelier_codes(cancel_token: CancelToken) -> None:
    """A hat on a bare head: with the denoiser the code of the result is nearer to the mean of codes around it."""
    model = embedded(size=64)
    assert model.code_denoiser is not None
    settings = Settings(loss="edit", prompt="a face with a hat", sampling_steps=2, optimisation_steps=1)
    picture = load_picture(examples()[0], 64, Crop())
    distances = []
    for one in (replace(model, code_denoiser=None), model):
        run = Run(one, settings, cancel_token)
        start = run.tensor(picture)
        z = one.encode(start)
        assert z is not None
        code = Code(z, *encode(run.network, run.sampler, start, z, torch.Generator().manual_seed(0)))
        list(run.optimise(code, run.goal(start, None)))
        last = run.history.codes[-1]
        distances.append(float((model.code_denoiser(last) - last).norm()))
    assert distances[1] < 0.9 * distances[0]
