"""z as a structure of tensors: everywhere that z goes, with the same numbers as a single tensor has."""

import warnings

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler
from jaxtyping import config as jaxtyping_config
from torch.utils.checkpoint import checkpoint

from adjointdeis import (
    ClassifierFreeGuidance,
    ContinuousAdjoint,
    DiscreteAdjoint,
    HalfPrecision,
    OffTheShelf,
    Precomputed,
    Reversible,
    Sampler,
    Scheduled,
    SubgridAdjoint,
    Unrolled,
    audit,
    encode,
    guide,
    prepared,
    sample,
)
from adjointdeis.conditioning import leaves, named, replaced
from tests.truth import relative_error


class Conditioned(torch.nn.Module):
    """A small network that uses every entry of z."""

    def __init__(self, dtype=torch.float32):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.mix = torch.nn.Parameter(0.3 * torch.randn(4, 4, generator=generator, dtype=dtype))
        self.table = torch.nn.Parameter(torch.randn(5, 4, generator=generator, dtype=dtype))

    def forward(self, t, x, z):
        words = (z["text"][0] * z["mask"][..., None]).sum(1) / z["mask"].sum(1, keepdim=True)
        label = self.table[z["label"]]
        shift = torch.tanh(words + z["text"][1] + label)
        level = (t.to(x.dtype) / 1000).view(-1, 1, 1, 1)
        return torch.sin(torch.einsum("bchw,cd->bdhw", x, self.mix) + level) + shift[:, :, None, None] * 0.5


def conditioning(dtype=torch.float32, images=2):
    generator = torch.Generator().manual_seed(1)
    words = torch.randn(images, 3, 4, generator=generator, dtype=dtype)
    pooled = torch.randn(images, 4, generator=generator, dtype=dtype)
    mask = torch.tensor([[True, True, False], [True, False, False]])[:images]
    return {"text": (words, pooled), "mask": mask, "label": torch.tensor([1, 3])[:images]}


def state(dtype=torch.float32, seed=2):
    return torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def laid_out(kind, **config):
    scheduler = kind(**config)
    scheduler.set_timesteps(10)
    return scheduler


def target(image):
    return (image - 0.3).square().flatten(1).mean(1)


DPM = DPMSolverMultistepScheduler
SAMPLERS = {
    "DDIM": Sampler.from_scheduler(laid_out(DPM), order=1),
    "DPM-Solver++ 2M": Sampler.from_scheduler(laid_out(DPM)),
    "UniPC": Sampler.from_scheduler(laid_out(UniPCMultistepScheduler)),
    "flow": Sampler.from_scheduler(laid_out(FlowMatchEulerDiscreteScheduler)),
    "SDE": Sampler.from_scheduler(laid_out(DPM), sde=True, family="data", final="sigma_min"),
    "SDE of order 2": Sampler.from_scheduler(laid_out(DPM), sde=True, order=2, family="data", final="sigma_min"),
}


def noises_for(sampler, x):
    return sampler.draw_noises(x, torch.Generator().manual_seed(3)) if sampler.sde else None


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("method", [DiscreteAdjoint(), DiscreteAdjoint(checkpoints=3), DiscreteAdjoint(graphs=4)])
def test_the_discrete_adjoint_equals_plain_autograd_for_every_entry(name, method):
    sampler, x, z = SAMPLERS[name], state(), conditioning()
    arguments = (Conditioned(), sampler, x, z, target, noises_for(sampler, x))
    found, truth = (m.value_and_grad(*arguments) for m in (method, Unrolled()))
    assert found.grads["z"]["mask"] is found.grads["z"]["label"] is None
    for ours, theirs in zip(leaves(found.grads["z"]), leaves(truth.grads["z"]), strict=True):
        assert relative_error(ours, theirs) < 1e-5
    assert relative_error(found.grads["x_T"], truth.grads["x_T"]) < 1e-5
    assert [g.shape for g in leaves(found.grads["z"])] == [v.shape for v in leaves(z)]


@pytest.mark.parametrize(
    "method",
    [
        SubgridAdjoint(steps=5),
        ContinuousAdjoint(order=1),
        ContinuousAdjoint(order=2),
        OffTheShelf("euler"),
        Reversible(),
    ],
    ids=lambda method: type(method).__name__,
)
def test_every_method_gives_each_entry_the_gradient_of_a_single_tensor(method):
    if isinstance(method, OffTheShelf):
        pytest.importorskip("torchdiffeq")
    sampler, x, z, model = (
        SAMPLERS["DDIM"],
        state(torch.float64),
        conditioning(torch.float64),
        Conditioned(torch.float64),
    )
    packed = torch.cat([v.flatten(1) for v in leaves(z)], 1)

    def on_packed(t, x, packed):
        return model(t, x, replaced(z, [packed[:, :12].view(2, 3, 4), packed[:, 12:]]))

    found = method.value_and_grad(model, sampler, x, z, target)
    truth = method.value_and_grad(on_packed, sampler, x, packed, target)
    ours = torch.cat([g.flatten(1) for g in leaves(found.grads["z"])], 1)
    assert relative_error(ours, truth.grads["z"]) < 1e-9
    assert found.grads["z"]["mask"] is None


def test_a_scheduled_structure_gets_its_gradient_step_by_step():
    sampler, x, z = SAMPLERS["DPM-Solver++ 2M"], state(), conditioning()
    stacked = Scheduled(
        {
            **z,
            "text": tuple(v.expand(10, *v.shape) for v in z["text"]),
            **{k: z[k].expand(10, *z[k].shape) for k in ("mask", "label")},
        }
    )
    whole = DiscreteAdjoint().value_and_grad(Conditioned(), sampler, x, z, target).grads["z"]
    steps = DiscreteAdjoint().value_and_grad(Conditioned(), sampler, x, stacked, target).grads["z"]
    for one, each in zip(leaves(whole), leaves(steps), strict=True):
        assert relative_error(each.sum(0), one) < 1e-5
    found = audit(DiscreteAdjoint(), Conditioned(), sampler, x, stacked, target)
    assert found.by_step["z"] == [(pytest.approx(1), pytest.approx(1))] * 10
    stacked.z["text"] = tuple(v[:9] for v in stacked.z["text"])
    with pytest.raises(ValueError, match="one z a step, 10 in all; got 9"):
        DiscreteAdjoint().value_and_grad(Conditioned(), sampler, x, stacked, target)


def test_an_image_is_encoded_and_sampled_with_a_structure():
    sampler, image, z = SAMPLERS["SDE"], state(), conditioning()
    x_T, noises = encode(Conditioned(), sampler, image, z, torch.Generator().manual_seed(5))
    with torch.no_grad():
        *_, back = sample(Conditioned(), sampler, x_T, z, noises)
    assert (back - image).abs().max() < 1e-5


def test_guide_moves_every_floating_point_entry_at_its_own_rate():
    sampler, x, z = SAMPLERS["DDIM"], state(), conditioning()
    rates = {"x_T": 0.01, "z.text.0": 0.05, "z.text.1": 0.02}
    frames = list(guide(Conditioned(), sampler, x, z, target, lr=rates, steps=3))
    assert frames[-1].loss.sum() < frames[0].loss.sum()
    assert set(frames[0].grad_norm) == set(rates)
    moved = frames[1].variables["z"]
    assert torch.equal(moved["mask"], z["mask"])
    for after, before, rate in zip(leaves(moved), leaves(z), (0.05, 0.02), strict=True):
        assert (after - before).abs().max() == pytest.approx(rate, rel=1e-3)  # Adam's first step
    shared = list(guide(Conditioned(), sampler, x, z, target, lr={"x_T": 0.01, "z": 0.03}, steps=1))
    assert (leaves(shared[1].variables["z"])[1] - z["text"][1]).abs().max() == pytest.approx(0.03, rel=1e-3)
    with pytest.raises(ValueError, match=r"lr must be above 0 .* for z\.text\.1"):
        list(guide(Conditioned(), sampler, x, z, target, lr={"x_T": 0.01, "z.text.0": 0.05}))
    assert torch.equal(z["text"][0], conditioning()["text"][0])


def test_a_list_of_embeddings_is_a_structure_too():
    def model(t, x, z):
        return 0.3 * x + torch.stack([v.mean(0) for v in z])[:, :, None, None]

    z = [torch.randn(3, 4, generator=torch.Generator().manual_seed(i)) for i in range(2)]
    found = DiscreteAdjoint().value_and_grad(model, SAMPLERS["DDIM"], state(), z, target)
    truth = Unrolled().value_and_grad(model, SAMPLERS["DDIM"], state(), z, target)
    assert isinstance(found.grads["z"], list)
    assert relative_error(found.grads["z"][1], truth.grads["z"][1]) < 1e-5
    assert list(named(z)) == ["z.0", "z.1"]


def test_wrappers_take_a_structure():
    sampler, x, z = SAMPLERS["DDIM"], state(), conditioning()
    negative = {
        **z,
        "text": tuple(torch.zeros_like(v[:1]) for v in z["text"]),
        "mask": torch.ones(1, 3, dtype=torch.bool),
        "label": z["label"][:1],
    }
    both = [
        m.value_and_grad(ClassifierFreeGuidance(Conditioned(), 2.0, negative, batched=b), sampler, x, z, target).grads[
            "z"
        ]
        for m, b in ((DiscreteAdjoint(), True), (Unrolled(), False))
    ]
    for one, other in zip(*map(leaves, both), strict=True):
        assert relative_error(one, other) < 1e-5
    with pytest.raises(ValueError, match="structure of z, a dict of text, mask, label; got a dict of text"):
        ClassifierFreeGuidance(Conditioned(), 2.0, {"text": z["text"]})(torch.zeros(2), x, z)
    half = HalfPrecision(Conditioned(), torch.bfloat16, autocast=True)
    found = DiscreteAdjoint().value_and_grad(half, sampler, x, z, target).grads["z"]
    exact = DiscreteAdjoint().value_and_grad(Conditioned(), sampler, x, z, target).grads["z"]
    assert relative_error(found["text"][1], exact["text"][1]) < 0.05


def test_what_is_precomputed_of_a_structure_may_be_a_structure():
    model, sampler, x, z = Conditioned(), SAMPLERS["DDIM"], state(), conditioning()

    def prepare(z):
        return {**z, "text": (torch.tanh(z["text"][0]), z["text"][1])}

    def whole(t, x, z):
        return model(t, x, prepare(z))

    found = Precomputed(prepare).value_and_grad(model, sampler, x, z, target)
    truth = DiscreteAdjoint().value_and_grad(whole, sampler, x, z, target)
    for one, other in zip(leaves(found.grads["z"]), leaves(truth.grads["z"]), strict=True):
        assert relative_error(one, other) < 1e-5
    assert torch.equal(prepared(prepare, z)["mask"], z["mask"])


def test_the_audit_compares_all_entries_as_one_vector():
    sampler, x, z = SAMPLERS["DDIM"], state(), conditioning()
    found = audit(Unrolled(), Conditioned(), sampler, x, z, target)
    assert (found.cosine["z"], found.length_ratio["z"]) == (pytest.approx(1), pytest.approx(1))


def test_an_entry_that_is_not_finite_is_named():
    z = conditioning()
    z["text"][1][0, 0] = float("nan")
    with pytest.raises(FloatingPointError, match="The given z is not finite"):
        DiscreteAdjoint().value_and_grad(Conditioned(), SAMPLERS["DDIM"], state(), z, target)


def test_a_z_without_numbers_to_differentiate_is_refused_where_its_gradient_is_wanted():
    def model(t, x, z):
        return 0.3 * x + z["label"].view(-1, 1, 1, 1)

    z = {"label": torch.tensor([1, 2])}
    with pytest.raises(ValueError, match=r"z holds torch.int64 alone, which has no gradient; leave 'z' out of wrt"):
        DiscreteAdjoint().value_and_grad(model, SAMPLERS["DDIM"], state(), z, target)
    found = DiscreteAdjoint().value_and_grad(model, SAMPLERS["DDIM"], state(), z, target, wrt=("x_T",))
    assert set(found.grads) == {"x_T"}
    with pytest.raises(ValueError, match="got a dict without tensors"):
        list(sample(model, SAMPLERS["DDIM"], state(), {"label": 3}))
    with pytest.raises(ValueError, match=r"z holds torch\.int64 alone"):
        DiscreteAdjoint().value_and_grad(model, SAMPLERS["DDIM"], state(), torch.tensor([1, 2]), target)


class Output(dict):
    """As diffusers' ModelOutput: a mapping whose first field is the prediction."""


@pytest.mark.parametrize("pack", [lambda y: (y,), lambda y: (y, "more"), lambda y: Output(sample=y), lambda y: y])
def test_a_network_may_return_a_tuple_or_a_model_output(pack):
    def model(t, x, z):
        return pack(torch.sin(x))

    plain = DiscreteAdjoint().value_and_grad(lambda t, x, z: torch.sin(x), SAMPLERS["DDIM"], state(), None, target)
    for method in (DiscreteAdjoint(), Unrolled(), ContinuousAdjoint(order=1)):
        found = method.value_and_grad(model, SAMPLERS["DDIM"], state(), None, target)
        if not isinstance(method, ContinuousAdjoint):
            assert relative_error(found.grads["x_T"], plain.grads["x_T"]) < 1e-5
    x_T, _ = encode(model, SAMPLERS["DDIM"], state(), None)
    assert x_T.isfinite().all()


@pytest.mark.parametrize(
    ("output", "kind"),
    [([torch.zeros(2, 4, 3, 3)], "list"), (None, "NoneType"), ((), "tuple"), (("a",), "tuple that starts with str")],
)
def test_other_outputs_of_a_network_are_refused(output, kind):
    with pytest.raises(ValueError, match=f"must return a tensor, or a tuple or ModelOutput.*got {kind}"):
        list(sample(lambda t, x, z: output, SAMPLERS["DDIM"], state(), None))
    with pytest.raises(ValueError, match="must return the shape of its input"):
        list(sample(lambda t, x, z: x[:, :2], SAMPLERS["DDIM"], state(), None))


@pytest.mark.parametrize(
    ("convert", "kind"),
    [
        (lambda x: x.long(), "torch.int64 on cpu"),
        (lambda x: x > 0, "torch.bool on cpu"),
        (lambda x: torch.complex(x, x), "torch.complex64 on cpu"),
        (lambda x: x.to("meta"), "torch.float32 on meta"),
    ],
)
def test_outputs_of_another_kind_or_device_are_refused(convert, kind):
    with pytest.raises(ValueError, match=f"must return floating-point numbers on cpu.*got {kind}"):
        list(sample(lambda t, x, z: convert(x), SAMPLERS["DDIM"], state(), None))


@pytest.mark.parametrize("method", [DiscreteAdjoint(), Unrolled(), ContinuousAdjoint(order=1), SubgridAdjoint(2)])
@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda t, x, z: 0.3 * x.detach(), "no gradient with respect to its input.*without detach"),
        (torch.no_grad()(lambda t, x, z: 0.3 * x), "no gradient with respect to its input"),
        (lambda t, x, z: torch.tensor(x.numpy()), r"leaves torch by \.numpy"),
    ],
)
def test_a_network_without_a_gradient_is_refused_by_every_method(network, message, method):
    with pytest.raises(ValueError, match=message):
        method.value_and_grad(network, SAMPLERS["DDIM"], state(), None, target)


@pytest.mark.parametrize("method", [DiscreteAdjoint(), Unrolled()])
def test_a_network_that_changes_its_input_is_refused(method):
    with pytest.raises(ValueError, match="changes its input in place"):
        method.value_and_grad(lambda t, x, z: x.mul_(0.5), SAMPLERS["DDIM"], state(), None, target)


def test_a_loss_of_another_tensor_is_refused():
    other = torch.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="no gradient with respect to the image"):
        DiscreteAdjoint().value_and_grad(lambda t, x, z: 0.3 * x, SAMPLERS["DDIM"], state(), None, lambda _: other * 2)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda image: float(image.mean()), "must return a torch tensor with one value an image.*got float"),
        (lambda image: None, "must return a torch tensor with one value an image.*got NoneType"),
        (lambda image: image.flatten(1).mean(1).detach(), "no gradient with respect to the image"),
        (lambda image: torch.complex(image, image).flatten(1).mean(1), "by real torch operations"),
        (lambda image: image.flatten(1).mean(1).numpy(), r"leaves torch by \.numpy"),
        (lambda image: image.mean(), "one value an image"),
        (lambda image: image.flatten(1), "one value an image"),
    ],
)
@pytest.mark.parametrize("method", [DiscreteAdjoint(), Unrolled()])
def test_losses_that_are_not_one_value_an_image_are_refused(loss, message, method, monkeypatch):
    monkeypatch.setattr(jaxtyping_config, "jaxtyping_disable", True)
    with pytest.raises(ValueError, match=message):
        method.value_and_grad(lambda t, x, z: 0.3 * x, SAMPLERS["DDIM"], state(), None, loss)


def test_one_number_is_the_loss_of_a_batch_of_one():
    found = DiscreteAdjoint().value_and_grad(
        lambda t, x, z: 0.3 * x, SAMPLERS["DDIM"], state()[:1], None, lambda image: image.mean()
    )
    assert found.grads["x_T"].abs().sum() > 0


@pytest.mark.parametrize(
    ("x_T", "message"),
    [
        (torch.zeros(0, 4, 3, 3), r"at least one state.*got shape \(0, 4, 3, 3\)"),
        (torch.zeros(2, 0, 3, 3), r"at least one state.*got shape \(2, 0, 3, 3\)"),
        (torch.zeros(2, 4, 3, 3).numpy(), "must be a torch tensor; got ndarray"),
        (torch.zeros(2, 4, 3, 3, dtype=torch.uint8), "floating-point numbers; got torch.uint8"),
        (torch.zeros(2, 4, 3, 3, dtype=torch.long), "floating-point numbers; got torch.int64"),
        (torch.zeros(2, 4, 3, 3, device="meta"), "x_T is on meta, but the network is on cpu"),
    ],
)
def test_states_that_are_no_batch_on_the_networks_device_are_refused(x_T, message, monkeypatch):
    # callers have no shape checker, which would be the first to refuse
    monkeypatch.setattr(jaxtyping_config, "jaxtyping_disable", True)
    for run in (
        lambda: list(sample(Conditioned(), SAMPLERS["DDIM"], x_T, conditioning())),
        lambda: encode(Conditioned(), SAMPLERS["DDIM"], x_T, conditioning()),
        lambda: DiscreteAdjoint().value_and_grad(Conditioned(), SAMPLERS["DDIM"], x_T, conditioning(), target),
        lambda: list(guide(Conditioned(), SAMPLERS["DDIM"], x_T, conditioning(), target)),
    ):
        with pytest.raises(ValueError, match=message):
            run()


class Checkpointed(torch.nn.Module):
    def __init__(self, use_reentrant):
        super().__init__()
        self.inner, self.use_reentrant = torch.nn.Conv2d(4, 4, 1), use_reentrant

    def forward(self, t, x, z):
        return checkpoint(self.inner, x, use_reentrant=self.use_reentrant)


@pytest.mark.parametrize("method", [DiscreteAdjoint(), Unrolled(), ContinuousAdjoint(order=1)])
def test_reentrant_checkpointing_inside_a_network_is_refused_with_the_cure(method):
    with pytest.raises(ValueError, match="set use_reentrant=False"):
        method.value_and_grad(Checkpointed(True), SAMPLERS["DDIM"], state(), None, target)
    found = method.value_and_grad(Checkpointed(False), SAMPLERS["DDIM"], state(), None, target)
    assert found.grads["x_T"].isfinite().all()


@pytest.mark.parametrize("method", [DiscreteAdjoint(), Unrolled()])
def test_a_network_made_in_inference_mode_is_refused_with_the_cure(method):
    with torch.inference_mode():
        model = torch.nn.Conv2d(4, 4, 1)
    with pytest.raises(ValueError, match="load the network outside inference_mode"):
        method.value_and_grad(lambda t, x, z: model(x), SAMPLERS["DDIM"], state(), None, target)


class Noisy(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.block = torch.nn.ModuleDict({"middle": layer})

    def forward(self, t, x, z):
        return self.block["middle"](x)


@pytest.mark.parametrize("layer", [torch.nn.Dropout(0.1), torch.nn.BatchNorm2d(4)], ids=lambda v: type(v).__name__)
def test_a_layer_left_in_train_mode_is_named_once(layer):
    model = Noisy(layer).train()
    with pytest.warns(UserWarning, match=r"The layer 'block.middle' \(.*\) is in train mode"):
        DiscreteAdjoint().value_and_grad(model, SAMPLERS["DDIM"], state(), None, target)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DiscreteAdjoint().value_and_grad(model, SAMPLERS["DDIM"], state(), None, target)
        DiscreteAdjoint().value_and_grad(Noisy(layer).eval(), SAMPLERS["DDIM"], state(), None, target)
