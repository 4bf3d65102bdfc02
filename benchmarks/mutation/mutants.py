"""One-symbol mistakes in the mathematics, and the tests that must detect each of them."""

from __future__ import annotations

from typing import NamedTuple

TABLES = ("test_tables.py::test_every_step_of_the_schedulers_own_sampler_equals_diffusers_own",)
DDIM = ("test_tables.py::test_ddims_steps_are_equal_for_every_eta",)
FLOW = ("test_tables.py::test_flow_matching_converges_from_pure_noise_to_the_image",)
PREDICTIONS = (
    "test_denoiser.py::test_image_and_noise_are_recovered_from_every_prediction",
    "test_denoiser.py::test_the_gradient_equals_central_differences_for_every_prediction",
)
SCHEDULE = (
    "test_schedule.py::test_log_snr_is_uniform_where_it_is_said_to_be",
    "test_schedule.py::test_log_snr_and_rho_at_the_ends_of_the_range",
    "gradients/test_unrolled.py::test_approaches_the_exact_gradient_of_a_gaussians_flow",
)
ROUND_TRIP = ("test_encode.py::test_sde_encoding_gives_the_image_back",)
PATH = (
    "test_encode.py::test_the_path_is_that_of_the_diffusion",
    "test_encode.py::test_every_state_of_the_path_is_normal_around_the_image_and_a_chain_remembers",
)
EXACT = (
    "gradients/test_discrete.py::test_equals_plain_automatic_differentiation",
    "gradients/test_discrete.py::test_every_prediction_type_and_the_networks_parameters",
)
UNROLLED = ("gradients/test_unrolled.py::test_equals_finite_differences_for_every_variable",)
SCHEDULED = (
    "test_scheduled.py::test_equals_automatic_differentiation_through_the_sample",
    "test_scheduled.py::test_converges_to_the_exact_shares_of_a_gaussians_flow",
)
EULER = ("gradients/test_continuous.py::test_order_one_is_eulers_method_in_rho",)
SECOND = ("gradients/test_continuous.py::test_converges_to_the_exact_gradient_of_a_gaussians_flow",)
STABILITY = ("gradients/test_continuous.py::test_stability_factor_where_noise_dominates",)
PREDICTION = ("gradients/test_continuous.py::test_the_prediction_type_does_not_change_the_gradient",)
OTHER_GRID = (
    "gradients/test_continuous.py::test_noises_inside_an_adjoint_step_get_the_adjoint_at_their_own_node",
    "gradients/test_continuous.py::test_the_noises_of_an_sde_get_their_gradient_from_another_grid",
    "gradients/test_continuous.py::test_fewer_steps_than_the_samplers_converge_at_the_adjoints_own_order",
)
RESOLVED = ("gradients/test_trajectory.py",)
SUBGRID = ("gradients/test_subgrid.py::test_with_all_steps_it_is_exact", "gradients/test_subgrid.py")
REVERSIBLE = (
    "gradients/test_reversible.py::test_every_prediction_and_both_ends_and_the_networks_parameters",
    "gradients/test_reversible.py::test_image_and_gradient_converge_to_those_of_the_exact_flow_at_order_one",
)
SHELF = ("gradients/test_off_the_shelf.py::test_euler_is_ddim_and_its_gradient", "gradients/test_off_the_shelf.py")


class Mutant(NamedTuple):
    """A mistake: `old`, which occurs once in adjointdeis/`file`, is replaced by `new`; one of `tests` must fail."""

    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def _of(file: str, tests: tuple[str, ...], *changes: tuple[str, str]) -> list[Mutant]:
    return [Mutant(file, old, new, tests) for old, new in changes]


MUTANTS: tuple[Mutant, ...] = (
    # the schedule
    *_of(
        "schedule.py",
        SCHEDULE,
        ("tuple(s / a if a > 0", "tuple(a / s if a > 0"),
        ("math.log(a / s)", "math.log(s / a)"),
    ),
    *_of(
        "schedule.py",
        (*DDIM, *SCHEDULE),
        ("t * t / 4 - self.beta_min * t / 2", "t * t / 2 - self.beta_min * t / 2"),
    ),
    *_of(
        "schedule.py",
        SCHEDULE,
        ("math.expm1(2 * self.log_alpha(t))", "math.expm1(self.log_alpha(t))"),
        ("math.exp(-2 * log_snr)", "math.exp(2 * log_snr)"),
    ),
    *_of(
        "schedule.py",
        ("test_schedule.py::test_cut_leaves_out_the_rounded_share",),
        ("round((1 - noise_level) * self.steps)", "int((1 - noise_level) * self.steps)"),
    ),
    *_of(
        "schedulers.py",
        (
            "test_schedulers.py::test_final_sigma_min_ends_at_the_cleanest_training_time",
            "test_schedulers.py::test_the_step_of_length_zero_that_ends_these_sigmas_is_dropped",
        ),
        ("math.sqrt((1 - alpha_bar) / alpha_bar)", "math.sqrt(1 - alpha_bar * alpha_bar)"),
    ),
    *_of(
        "schedulers.py",
        DDIM,
        ("[math.sqrt(1 - a) for a in alpha_bar]", "[math.sqrt(1 - a * a) for a in alpha_bar]"),
        ("(math.sqrt(1 - a), math.sqrt(1 - b))", "(math.sqrt(1 - b), math.sqrt(1 - b))"),
    ),
    *_of(
        "schedulers.py",
        TABLES,
        ("1 / math.sqrt(1 + rho * rho)", "1 / (1 + rho)"),
    ),
    # what the network predicts
    *_of(
        "denoiser.py",
        PREDICTIONS,
        ("return Linear(1 / alpha_t, -sigma_t / alpha_t)", "return Linear(1 / alpha_t, sigma_t / alpha_t)"),
        ("return Linear(alpha_t, -sigma_t)", "return Linear(sigma_t, -alpha_t)"),
        ("return Linear(1 / sigma_t, -alpha_t / sigma_t)", "return Linear(1 / sigma_t, -alpha_t)"),
        ("return Linear(sigma_t, alpha_t)", "return Linear(0.0, alpha_t)"),
        ("return Linear(1.0, alpha_t)", "return Linear(1.0, -alpha_t)"),
    ),
    *_of(
        "denoiser.py",
        (*FLOW, "test_denoiser.py"),
        ("return Linear(c - a, d - b)", "return Linear(c - a, d + b)"),
    ),
    # the tables
    *_of(
        "tables.py",
        TABLES,
        ("grown = alpha_t * sigma_s / alpha_s", "grown = alpha_t * sigma_t / alpha_s"),
        ("weight = (2 if sde else 1) * (sigma_t - grown)", "weight = sigma_t - grown"),
        ("* (sigma_t - grown)", "* (grown - sigma_t)"),
        ("grown * grown - sigma_t * sigma_t", "grown * grown + sigma_t * sigma_t"),
        ("sigma_s), alpha_t / alpha_s, weight, noise)", "sigma_s), alpha_s / alpha_t, weight, noise)"),
        ("decay = alpha_s * sigma_t / (alpha_t * sigma_s)  # e^-h", "decay = alpha_s * sigma_s / (alpha_t * sigma_s)"),
        ("keep = decay if sde else 1.0", "keep = 1.0"),
        ("weight = alpha_t * (1 - decay * keep)", "weight = alpha_s * (1 - decay * keep)"),
    ),
    *_of(
        "tables.py",
        FLOW,
        ("1.0, sigma_t - sigma_s, 0.0)", "1.0, sigma_s - sigma_t, 0.0)"),
    ),
    *_of(
        "tables.py",
        DDIM,
        ("alpha_t * a + left * c, (", "alpha_s * a + left * c, ("),
        ("left = math.sqrt(sigma_t * sigma_t - noise * noise)", "left = sigma_t"),
    ),
    *_of(
        "tables.py",
        TABLES,
        ("return Row(grid.times[i], P, Q, A, (W + S, -S), D)", "return Row(grid.times[i], P, Q, A, (W + S, S), D)"),
        ("(W / h + k * sigma_t if", "(W / h + sigma_t if"),
        ("alpha_t - W / (k * h)) / r", "alpha_t - W / h) / r"),
        ("            return W / (2 * r)", "            return W / r"),
    ),
    *_of(
        "tables.py",
        ("test_tables.py::test_adams_bashforth_is_exact_for_a_velocity_that_is_linear_in_time", *FLOW),
        ("(2 * (sigma[i - 1] - sigma[i]))", "(2 * (sigma[i - 1] - sigma[i + 1]))"),
    ),
    *_of(
        "tables.py",
        TABLES,
        (
            "return (log_snr[i] - log_snr[i - 1]) / (log_snr[i + 1] - log_snr[i])",
            "return (log_snr[i + 1] - log_snr[i]) / (log_snr[i] - log_snr[i - 1])",
        ),
        ("B[j] += A * weight", "B[j] += weight"),
        ("newest, -newest - older - S, older + S", "newest, -newest - older - S, older - S"),
    ),
    # sampling
    *_of(
        "sample.py",
        TABLES,
        ("m = m + row.P * x", "m = m - row.P * x"),
    ),
    *_of(
        "sample.py",
        (*TABLES, *DDIM),
        ("(x_t + row.D * noise)", "(x_t - row.D * noise)"),
    ),
    *_of(
        "sample.py",
        TABLES,
        ("recent[: row.kept]", "recent[1 : 1 + row.kept]"),
    ),
    *_of(
        "conditioning.py",
        SCHEDULED,
        ("map_tensors(lambda v: v[i], z.z)", "map_tensors(lambda v: v[-1 - i], z.z)"),
    ),
    # encoding
    *_of(
        "encode.py",
        ROUND_TRIP,
        (
            "x, history = follow(row, x, output, history, noises[i])",
            "x, _ = follow(row, x, output, history, noises[i])",
        ),
    ),
    *_of(
        "encode.py",
        ("test_encode.py::test_a_float32_image_returns_exactly_whatever_the_networks_precision",),
        ("dtype=widest(image)", "dtype=image.dtype"),
    ),
    *_of(
        "encode.py",
        ("test_encode.py::test_in_float64_the_rounding_of_one_step_is_lost",),
        (
            "x, history = follow(row, x, output, history, noises[i])",
            "x, history = path[i + 1], follow(row, x, output, history, noises[i])[1]",
        ),
    ),
    *_of(
        "encode.py",
        ("test_scheduled.py::test_encoding_and_sampling_with_a_schedule_give_the_image_back",),
        ("output = call(model, row.time, x, z_at(z, i))", "output = call(model, row.time, x, z_at(z, 0))"),
    ),
    *_of(
        "encode.py",
        PATH,
        ("grid.sigma[i] * _normal(image, generator) for", "grid.alpha[i] * _normal(image, generator) for"),
        ("kept = r * sigma_t**2 / sigma_s**2", "kept = r * sigma_t / sigma_s"),
        ("fresh = 1 - r * kept", "fresh = 1 - kept"),
    ),
    *_of(
        "encode.py",
        ("test_encode.py",),
        ("x_s = x_s + relax * gap", "x_s = x_s - relax * gap"),
    ),
    # the exact gradient
    *_of(
        "gradients/discrete.py",
        EXACT,
        ("self.G[i - j] + weight * g if i - j in self.G else weight * g", "weight * g"),
        ("self.g_w[i] = row.D * g", "self.g_w[i] = row.A * g"),
        ("vjp(graph, row.Q * G_i)", "vjp(graph, G_i)"),
        ("row.A * g + row.P * G_i + product", "row.A * g + product"),
        ("row.A * g + row.P * G_i + product", "g + row.P * G_i + product"),
        (
            "record(row.time, self.x, i)\n        product",
            "record(self.problem.sampler.grid.times[i + 1], self.x, i)\n        product",
        ),
        ("self.network.add(shares, step=i)", "self.network.add(shares, row.Q, step=i)"),
    ),
    *_of(
        "gradients/vjp.py",
        EXACT,
        ("return products[0] / scale", "return products[0] * scale"),
    ),
    *_of(
        "gradients/vjp.py",
        SCHEDULED,
        ("[total[step] for total in totals[: self.z_count]]", "[total[step - 1] for total in totals[: self.z_count]]"),
    ),
    *_of(
        "gradients/unrolled.py",
        EXACT,
        ("torch.autograd.grad(loss.sum()", "torch.autograd.grad(loss.mean()"),
    ),
    *_of(
        "gradients/unrolled.py",
        (*UNROLLED, *EXACT),
        ("w = leaf(w)", "w = leaf(-w)"),
    ),
    *_of(
        "gradients/loss.py",
        EXACT,
        ("torch.autograd.grad(loss.sum(), image", "torch.autograd.grad(loss.mean(), image"),
    ),
    *_of(
        "gradients/checkpointing.py",
        ("gradients/test_checkpointing.py",),
        ("links - comb(c + r - 2, c - 1))", "links - 1)"),
        ("r * links - comb(c + r, r - 1)", "r * links - comb(c + r - 1, r - 1)"),
    ),
    # AdjointDEIS
    *_of(
        "gradients/continuous.py",
        EULER,
        ("x_t = trajectory.at(j + 1)", "x_t = trajectory.at(j)"),
        ("record(nodes.times[j + 1], x_t", "record(nodes.times[j], x_t"),
        ("V_x = alpha_t**2 * (P * a_x + product)", "V_x = alpha_t * (P * a_x + product)"),
    ),
    *_of(
        "gradients/continuous.py",
        PREDICTION,
        ("(P * a_x + product)", "product"),
        ("vjp(call, Q * a_x)", "vjp(call, a_x)"),
    ),
    *_of(
        "gradients/continuous.py",
        EULER,
        ("V_z = [alpha_t * share", "V_z = [alpha_s * share"),
        ("k * (alpha_s * sigma_t / alpha_t - sigma_s)", "k * (sigma_s - alpha_s * sigma_t / alpha_t)"),
        ("k * (alpha_s * sigma_t / alpha_t - sigma_s)", "k * (alpha_s * sigma_s / alpha_t - sigma_s)"),
    ),
    *_of(
        "gradients/continuous.py",
        STABILITY,
        ("k * (alpha_s * sigma_t / alpha_t - sigma_s)", "alpha_s * sigma_t / alpha_t - sigma_s"),
    ),
    *_of(
        "gradients/continuous.py",
        EULER,
        ("a_s = alpha_t / alpha_s * a_x", "a_s = alpha_s / alpha_t * a_x"),
        ("weight / alpha_s**2 * V_x", "weight / alpha_t**2 * V_x"),
    ),
    *_of(
        "gradients/continuous.py",
        SECOND,
        ("extra / alpha_s**2 * (V_x - previous[0])", "extra / alpha_s**2 * (previous[0] - V_x)"),
        ("differences = [v - v_r", "differences = [v_r - v"),
        ("a_x, previous = a_s, (V_x, V_z)", "a_x, previous = a_s, previous or (V_x, V_z)"),
    ),
    *_of(
        "gradients/continuous.py",
        ("gradients/test_continuous.py::test_ddims_eta_lies_between_the_ode_and_the_sde",),
        ("sampler.eta**2", "sampler.eta"),
    ),
    *_of(
        "gradients/continuous.py",
        OTHER_GRID,
        ("weight * share, i)", "weight, i)"),
    ),
    *_of(
        "gradients/continuous.py",
        ("gradients/test_continuous.py::test_the_sde_adjoint_carries_the_factor_two",),
        ("g_w[i - 1] = sampler.rows[i - 1].D * a_x", "g_w[i - 1] = a_x"),
    ),
    *_of(
        "gradients/continuous.py",
        OTHER_GRID,
        ("(1 - share) * nodes.alpha[j + 1] * a_t + share", "share * nodes.alpha[j + 1] * a_t + (1 - share)"),
    ),
    *_of(
        "gradients/trajectory.py",
        SECOND,
        ("/ (2 * (lambda_t - lambda_r))", "/ (lambda_t - lambda_r)"),
    ),
    *_of(
        "gradients/trajectory.py",
        RESOLVED,
        (
            "weight = nodes.sigma[j] - ratio * nodes.sigma[j + 1]",
            "weight = nodes.sigma[j + 1] - ratio * nodes.sigma[j]",
        ),
        ("half_inverse_ratio(nodes, j) * (eps - self.eps_r)", "half_inverse_ratio(nodes, j) * (self.eps_r - eps)"),
        (" - row.D * self.noises[j])", ")"),
    ),
    *_of(
        "gradients/adjoint_grid.py",
        ("gradients/test_adjoint_grid.py", *OTHER_GRID),
        ("near, far = (1 - f) /", "near, far = f /"),
    ),
    # the other gradients
    *_of(
        "gradients/subgrid.py",
        SUBGRID,
        ("add(shares, A * B_i, i)", "add(shares, B_i, i)"),
        ("A, B = A * A_i, B + A * B_i", "A, B = A * A_i, B + B_i"),
        ("v = a * g_q + product", "v = product"),
        ("record_and_vjp(sampler.grid.times[p], x_p", "record_and_vjp(sampler.grid.times[q], x_p"),
    ),
    *_of(
        "gradients/reversible.py",
        REVERSIBLE,
        ("(1 - self.c) * u) / self.c", "(1 - self.c) * u)"),
        ("step.A * (g_u + (1 - self.c) * g_x) + product", "step.A * g_u + product"),
    ),
    *_of(
        "gradients/off_the_shelf.py",
        SHELF,
        ("sigma = v if self.flow else alpha * v", "sigma = v"),
        ("x = y if self.flow else alpha * y", "x = y"),
    ),
    *_of(
        "guidance.py",
        ("test_guidance.py",),
        ("without + self.scale * (with_z - without)", "without + self.scale * with_z"),
    ),
    *_of(
        "audit.py",
        ("test_audit.py",),
        ("length_a / length_b", "length_b / length_a"),
    ),
    # from gradient to step
    *_of(
        "precision.py",
        ("test_precision.py",),
        (") / ctx.scale.value, None", ") * ctx.scale.value, None"),
        ("-torch.floor(torch.log2(largest))", "torch.floor(torch.log2(largest))"),
    ),
    *_of(
        "guide/norm_prior.py",
        ("guide/test_norm_prior.py",),
        ("factor = excess / (1 + excess)", "factor = excess"),
    ),
    *_of(
        "guide/step_options.py",
        ("guide/test_step_options.py",),
        ("g = g + self.shell * norm_prior_gradient(v)", "g = g - self.shell * norm_prior_gradient(v)"),
        ("longest / lengths.clamp_min(smallest)).clamp_max(1)", "longest / lengths.clamp_min(smallest))"),
        ("torch.lerp(before[name], goal, share)", "torch.lerp(goal, before[name], share)"),
        ("torch.where(share == 0, before[name], ", "torch.where(share < 0, before[name], "),
    ),
    *_of(
        "guide/stopping.py",
        ("guide/test_stopping.py",),
        ("torch.exp2(-self.halvings", "torch.exp2(self.halvings"),
    ),
    *_of(
        "guide/objective.py",
        ("guide/test_objective.py",),
        ("weight * values[name]", "values[name]"),
    ),
    *_of(
        "guide/variables.py",
        ("guide/test_variables.py",),
        ("axis = 1 if stepwise else 0", "axis = 0"),
    ),
)
