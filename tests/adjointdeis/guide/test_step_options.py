import pytest
import torch

import adjointdeis
from adjointdeis import StepOptions
from adjointdeis.guide.norm_prior import norm_prior_gradient
from adjointdeis.guide.variables import Variables
from tests.truth import normal, problem

X, Z, W = normal(2, 3, 4), normal(2, 5, seed=1), normal(6, 2, 3, 4, seed=2)
GRADS = {"x_T": normal(2, 3, 4, seed=3) * 1e-6, "z": normal(2, 5, seed=4), "noises": normal(6, 2, 3, 4, seed=5)}
ALL = torch.tensor([True, True])


def variables(*wrt):
    return Variables(problem(X, Z, W, wrt or ("x_T", "z", "noises")))


def changed(options, moving=ALL):
    return options.gradients(GRADS, variables(), moving)


def lengths(grads):
    found = variables()
    return {name: found.lengths(name, g) for name, g in grads.items()}


def test_by_default_the_optimizer_gets_the_unchanged_gradient():
    for name, g in changed(StepOptions()).items():
        assert torch.equal(g, GRADS[name])


def test_normalized_gradients_have_length_one_for_every_image_and_variable():
    found = changed(StepOptions(normalize=True))
    for name, length in lengths(found).items():
        assert length == pytest.approx([1, 1])
        assert torch.nn.functional.cosine_similarity(found[name].flatten(), GRADS[name].flatten(), dim=0) > 0.9


def test_a_gradient_too_small_to_be_squared_is_normalized_too():
    found = StepOptions(normalize=True).gradients({"x_T": 1e-200 * GRADS["x_T"]}, variables("x_T"), ALL)
    assert lengths(found)["x_T"] == pytest.approx([1, 1])


def test_no_gradient_at_all_stays_none():
    found = StepOptions(normalize=True).gradients({"x_T": torch.zeros_like(X)}, variables("x_T"), ALL)
    assert torch.equal(found["x_T"], torch.zeros_like(X))


@pytest.mark.parametrize("clip", [2.0, {"z": 2.0}])
def test_long_gradients_are_shortened_and_short_ones_kept(clip):
    grads = {"x_T": GRADS["x_T"], "z": GRADS["z"] * torch.tensor([[10.0], [0.1]])}
    found = StepOptions(clip=clip).gradients(grads, variables("x_T", "z"), ALL)
    long, short = variables("z").lengths("z", found["z"])
    assert long == pytest.approx(2.0)
    assert short < 1
    assert torch.equal(found["z"][1], grads["z"][1])
    assert torch.equal(found["x_T"], GRADS["x_T"])


def test_the_norm_prior_acts_on_x_t_alone_and_before_lengths_are_taken():
    found = changed(StepOptions(shell=0.3))
    assert torch.allclose(found["x_T"], GRADS["x_T"] + 0.3 * norm_prior_gradient(X))
    assert torch.equal(found["noises"], GRADS["noises"])
    assert lengths(changed(StepOptions(shell=0.3, normalize=True)))["x_T"] == pytest.approx([1, 1])


def test_a_masked_gradient_counts_for_no_length():
    mask = torch.tensor([1.0, 0.0, 0.0, 0.0])
    found = changed(StepOptions(masks={"noises": mask}, normalize=True))["noises"]
    assert not found[..., 1:].any()
    assert variables().lengths("noises", found) == pytest.approx([1, 1])


def test_images_that_do_not_move_have_no_gradient_even_if_it_is_not_finite():
    grads = {name: g.clone() for name, g in GRADS.items()}
    for name in grads:
        grads[name].movedim(1 if name == "noises" else 0, 0)[1] = float("nan")
    found = StepOptions(normalize=True).gradients(grads, variables(), torch.tensor([True, False]))
    for length in lengths(found).values():
        assert length == pytest.approx([1, 0])


def moved(options, rate, after):
    found = variables()
    options.step(found.copies(), after, found, torch.tensor(rate))
    return found


def test_a_step_is_made_by_the_share_of_mask_and_rate():
    after = {"x_T": X + 1, "z": Z + 1, "noises": W + 1}
    mask = torch.tensor([[1.0], [0.5], [0.0]])
    found = moved(StepOptions(masks={"x_T": mask}), [1.0, 0.25], after)
    assert torch.allclose(found["x_T"] - X, mask * torch.tensor([1, 0.25])[:, None, None].double().expand(2, 3, 4))
    assert torch.allclose(found["noises"] - W, torch.tensor([1, 0.25])[:, None, None].expand_as(W).double())
    assert torch.equal(found["z"][0], after["z"][0])


def test_a_share_of_zero_leaves_a_value_unchanged_bit_for_bit_whatever_the_step():
    start = {"x_T": X.clone(), "z": Z, "noises": W}
    start["x_T"][:, 1] = -0.0
    found = Variables(problem(start["x_T"], Z, W, ("x_T", "z", "noises")))
    after = {name: torch.full_like(v, float("nan")) for name, v in start.items()}
    after["z"] = Z + 1e30
    options = StepOptions(masks={"x_T": torch.tensor(False), "noises": torch.zeros(6, 1, 1, 1)})
    options.step(found.copies(), after, found, torch.tensor([1.0, 0.0]))
    for name in ("x_T", "noises"):
        assert torch.equal(found[name].view(torch.int64), start[name].view(torch.int64))
    assert torch.equal(found["z"][1].view(torch.int64), Z[1].view(torch.int64))


def test_options_out_of_range_are_refused():
    with pytest.raises(ValueError, match="clip must be a length above 0; got 0"):
        StepOptions(clip=0)
    with pytest.raises(ValueError, match=r"clip must be a length above 0; got \{'z': -1.0\}"):
        StepOptions(clip={"z": -1.0})
    with pytest.raises(ValueError, match="normalized or clipped, not both"):
        StepOptions(normalize=True, clip=1.0)
    with pytest.raises(ValueError, match="shell must be a weight of at least 0; got -1"):
        StepOptions(shell=-1)
    with pytest.raises(ValueError, match="halvings must be at least 0; got -1"):
        StepOptions(halvings=-1)
    with pytest.raises(ValueError, match=r"The mask of z must lie in \[0, 1\]"):
        StepOptions(masks={"z": torch.tensor([2.0])})


def test_options_that_do_not_fit_the_variables_are_refused():
    with pytest.raises(ValueError, match="masks names z, but only x_T move"):
        StepOptions(masks={"z": torch.tensor(1.0)}).check(variables("x_T"), 1.0)
    with pytest.raises(ValueError, match="clip names noises, but only x_T, z move"):
        StepOptions(clip={"noises": 1.0}).check(variables("x_T", "z"), 1.0)
    with pytest.raises(ValueError, match=r"The mask of x_T must broadcast to it, \(2, 3, 4\); got \(7,\)"):
        StepOptions(masks={"x_T": torch.ones(7)}).check(variables("x_T"), 1.0)
    with pytest.raises(ValueError, match="x_T does not move"):
        StepOptions(shell=1.0).check(variables("z"), 1.0)
    with pytest.raises(ValueError, match=r"start at pure noise, but sigma is 0.50 there"):
        StepOptions(shell=1.0).check(variables("x_T"), 0.5)
    StepOptions(shell=1.0, clip={"z": 1.0}, masks={"x_T": torch.ones(3, 1)}).check(variables(), 0.99)


def test_the_former_names_are_kept():
    assert adjointdeis.StepRules is StepOptions
    assert adjointdeis.StopRules is adjointdeis.StopOptions


def test_a_prior_adds_its_gradient_to_that_of_the_variable():
    found = changed(StepOptions(priors={"z": lambda z: 3 * z.square().sum(1)}))
    torch.testing.assert_close(found["z"], GRADS["z"] + 6 * Z)
    assert torch.equal(found["x_T"], GRADS["x_T"])


def test_a_metric_gives_the_gradient_and_the_step_of_the_coordinates_u_with_v_equal_to_u_p():
    p = normal(5, 5, seed=6)
    options = StepOptions(metric={"z": p})
    found = changed(options)["z"]
    u = torch.linalg.solve(p.T, Z.T).T.requires_grad_(True)
    (truth,) = torch.autograd.grad(((u @ p) * GRADS["z"]).sum(), u)
    torch.testing.assert_close(found, truth)
    v, step = variables("z"), normal(2, 5, seed=7)
    options.step({"z": Z}, {"z": Z + step}, v, torch.ones(2))
    torch.testing.assert_close(v["z"], (u.detach() + step) @ p)


def test_gradients_are_shortened_by_their_length_in_the_metric():
    found = changed(StepOptions(metric={"z": 100 * torch.eye(5, dtype=Z.dtype)}, clip={"z": 2.0}))
    assert variables("z").lengths("z", found["z"]) == pytest.approx([2.0, 2.0])


def test_a_metric_of_another_size_is_refused():
    options = StepOptions(metric={"z": torch.eye(4)})
    with pytest.raises(ValueError, match=r"metric of z must be \(5, 5\), for its last axis; got \(4, 4\)"):
        options.check(variables(), 1.0)


def test_a_projection_sees_the_values_before_and_after_a_step_and_replaces_those_it_names():
    seen = {}

    def project(before, after):
        seen.update(before=before["z"].clone(), after=after["z"].clone())
        return {"noises": after["noises"] * 0 + after["z"].mean()}

    v = variables("z", "noises")
    before, after = v.copies(), {name: value + 1 for name, value in v.items()}
    StepOptions(project=project).step(before, after, v, torch.tensor([1.0, 0.5]))
    assert torch.equal(seen["before"], Z)
    torch.testing.assert_close(seen["after"], Z + torch.tensor([[1.0], [0.5]]).to(Z))
    assert torch.equal(v["z"], seen["after"])
    assert (v["noises"] == seen["after"].mean()).all()
