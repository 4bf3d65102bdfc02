import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import studio.runs.compare as compare_module
from adjointdeis import Unrolled, UnsuitedSampler
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.models.interface import Model
from studio.runs.compare import Comparison, chosen_methods, compare
from studio.runs.request import Request
from studio.runs.steer import steer

Make = Callable[..., Request]
ALL = ("discrete", "adjoint_1", "adjoint_2", "unrolled")


@pytest.mark.slow
def test_the_exact_methods_agree_and_the_adjoints_do_not_quite(
    model: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    *_, last = compare(model, request_for(mode="ode", sampling_steps=12), ALL, cancel_token)
    found = {column.method: column.found for column in last.columns}
    for method in ("discrete", "unrolled"):
        audit = found[method]
        assert audit is not None
        assert audit.cosine == pytest.approx(dict.fromkeys(audit.cosine, 1.0), abs=1e-5)
        assert audit.length_ratio == pytest.approx(dict.fromkeys(audit.cosine, 1.0), abs=1e-4)
    first_order = found["adjoint_1"]
    assert first_order is not None
    assert abs(first_order.length_ratio["x_T"] - 1) > 1e-3


def test_all_start_from_one_picture_and_make_as_many_updates(
    model: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    request = request_for(optimisation_steps=4)
    *_, last = compare(model, request, ALL, cancel_token)
    assert last.stage == "done"
    assert len({column.curve[0].total for column in last.columns}) == 1
    assert all([point.step for point in column.curve] == [0, 1, 2, 3, 4] for column in last.columns)


def test_an_edit_draws_noise_again_and_stays_in_its_area_as_in_steering(
    model: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    def decode(z: Tensor) -> tuple[Tensor, Tensor]:
        mean = torch.nn.functional.interpolate(z.view(-1, 3, 2, 2), (16, 16))
        return mean, torch.full_like(mean[:, :1], 0.02)

    redrawing = dataclasses.replace(model, decode_code=decode)
    settings = {"loss": "edit", "prompt": "a hat", "z_rate": 0.3, "painted": "_" * 86 + "A" * 85}
    *_, last = compare(redrawing, request_for(**settings), ["unrolled"], cancel_token)
    *_, outcome = steer(redrawing, request_for(**settings, gradient="unrolled"), cancel_token)
    *_, without = steer(model, request_for(**settings, gradient="unrolled"), cancel_token)
    image = last.columns[0].image
    assert image is not None
    assert image.tobytes() == outcome.frames[-1].tobytes() != without.frames[-1].tobytes()
    assert last.columns[0].curve[-1].terms.keys() == outcome.curve[-1].terms.keys()


def test_a_column_is_the_run_that_steering_with_this_method_makes(
    model: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    *_, last = compare(model, request_for(seed=5), ["adjoint_1"], cancel_token)
    *_, outcome = steer(model, request_for(seed=5, gradient="adjoint_1"), cancel_token)
    totals = [point.total for point in last.columns[0].curve]
    assert totals == pytest.approx([point.total for point in outcome.curve], rel=1e-5)


def test_methods_take_turns(model: Model, request_for: Make, cancel_token: CancelToken) -> None:
    for state in compare(model, request_for(), ALL, cancel_token):
        lengths = [len(column.curve) for column in state.columns]
        assert lengths == sorted(lengths, reverse=True)
        assert max(lengths) - min(lengths) <= 1


def test_every_measure_is_there_at_the_end(model: Model, request_for: Make, cancel_token: CancelToken) -> None:
    *_, last = compare(model, request_for(), ALL, cancel_token)
    for column in last.columns:
        assert column.image is not None
        assert column.memory
        assert column.seconds
        assert column.calls > 0
    calls = {column.method: column.calls for column in last.columns}
    assert calls["unrolled"] < calls["discrete"]


@pytest.mark.slow
def test_a_method_that_cannot_go_on_says_why_and_the_others_go_on(
    model: Model, request_for: Make, cancel_token: CancelToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Unrolled):
        def value_and_grad(self, *args: object, **kwargs: object) -> None:  # type: ignore[override]
            raise UnsuitedSampler("This method wants another sampler.")

    plain = compare_module.gradient_method
    monkeypatch.setattr(compare_module, "gradient_method", lambda s: Broken() if s.gradient == "unrolled" else plain(s))
    *_, last = compare(model, request_for(), ["discrete", "unrolled"], cancel_token)
    good, broken = last.columns
    assert broken.trouble == "This method wants another sampler."
    assert broken.curve == ()
    assert len(good.curve) == 4


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (torch.OutOfMemoryError("CUDA out of memory at /home/somebody"), "The device ran out of memory (incident "),
        (ValueError("/home/somebody/secret"), "Something went wrong on the server (incident "),
    ],
)
@pytest.mark.slow
def test_whatever_happens_to_one_method_the_others_go_on(
    model: Model,
    request_for: Make,
    cancel_token: CancelToken,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    sentence: str,
) -> None:
    class Broken(Unrolled):
        def value_and_grad(self, *args: object, **kwargs: object) -> None:  # type: ignore[override]
            raise error

    plain = compare_module.gradient_method
    monkeypatch.setattr(compare_module, "gradient_method", lambda s: Broken() if s.gradient == "unrolled" else plain(s))
    *_, last = compare(model, request_for(), ["unrolled", "discrete"], cancel_token)
    broken, good = last.columns
    assert last.stage == "done"
    assert sentence in broken.trouble
    assert "somebody" not in broken.trouble
    assert len(good.curve) == 4


@pytest.mark.slow
def test_numbers_out_of_range_end_one_column(
    model: Model, request_for: Make, cancel_token: CancelToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wild(Unrolled):
        def value_and_grad(self, *args: object, **kwargs: object) -> None:  # type: ignore[override]
            raise FloatingPointError("The loss is not finite: [nan].")

    monkeypatch.setattr(compare_module, "gradient_method", lambda settings: Wild())
    *_, last = compare(model, request_for(), ["unrolled"], cancel_token)
    assert "infinite or undefined" in last.columns[0].trouble


def test_stop_keeps_what_was_measured(model: Model, request_for: Make, cancel_token: CancelToken) -> None:
    states: list[Comparison] = []
    for state in compare(model, request_for(optimisation_steps=50), ALL, cancel_token):
        states.append(state)
        if state.stage == "optimise" and state.step == 2:
            cancel_token.set()
    assert states[-1].stage == "stopped"
    assert all(len(column.curve) in (2, 3) for column in states[-1].columns)


def test_stopped_at_once_nothing_is_measured(model: Model, request_for: Make, cancel_token: CancelToken) -> None:
    cancel_token.set()
    *_, last = compare(model, request_for(), ALL, cancel_token)
    assert last.stage == "stopped"
    assert all(column.found is None and column.curve == () for column in last.columns)


@pytest.mark.parametrize("methods", [[], ["discrete", "discrete"]])
def test_methods_have_to_be_chosen(
    model: Model, request_for: Make, cancel_token: CancelToken, methods: list[str]
) -> None:
    with pytest.raises(UserError, match="at least one gradient method"):
        next(iter(compare(model, request_for(), methods, cancel_token)))  # type: ignore[arg-type]


@pytest.mark.parametrize("methods", ["discrete", [["discrete"]], [7], {"discrete": 1}, ["nabla"], None])
def test_what_is_no_list_of_methods_is_refused(methods: object) -> None:
    with pytest.raises(UserError, match="The gradient methods are discrete, adjoint_1"):
        chosen_methods(methods)
