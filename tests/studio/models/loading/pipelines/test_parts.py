import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from torch.utils._pytree import tree_map_only

from adjointdeis import ContinuousAdjoint, DiscreteAdjoint, Sampler, encode, sample
from benchmarks.tiny_pipelines import build
from studio.core.errors import UserError
from studio.models.catalogue.registry import ENTRIES
from studio.models.loading.pipelines.load import load_pipeline
from studio.models.loading.pipelines.parts import Parts, arguments, pipeline_parts, scheduler_for
from studio.models.options import LoadOptions
from studio.models.placement.placement import Placement
from tests.tiny_models.make import PIPELINES

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.slow
TinyCopy = Callable[[str], Path]
CPU = torch.device("cpu")
SD, SANA = (dataclasses.replace(ENTRIES[name], size=size) for name, size in (("sd-1.5", 16), ("sana-600m", 32)))
T = torch.tensor([500])
TEXT = transformers.CLIPTextConfig(
    vocab_size=8, hidden_size=4, intermediate_size=4, num_hidden_layers=1, num_attention_heads=1
)


def text_encoder(pipe: Any, call: dict[str, Any], dtype: torch.dtype = torch.float32) -> None:
    """Give a pipeline without one an `encode_prompt` of the prepared embeddings, for every prompt."""
    own = type(pipe).encode_prompt
    call = tree_map_only(torch.Tensor, lambda value: value.to(dtype) if value.is_floating_point() else value, call)
    embeds = {name: value for name, value in call.items() if name in inspect.signature(own).parameters}
    embeds.pop("guidance_scale", None)

    def encode_prompt(self: Any, *given: Any, **named: Any) -> Any:
        return own(self, *given, **{**named, **embeds})

    pipe.text_encoder = transformers.CLIPTextModel(TEXT)
    pipe.__class__ = type(type(pipe).__name__, (type(pipe),), {"encode_prompt": encode_prompt})


def test_z_is_what_the_text_encoder_gives_and_the_encoder_is_freed(tiny_copy: TinyCopy) -> None:
    folder = tiny_copy("sd-1.5")
    pipe = load_pipeline(folder)
    z = pipeline_parts(pipe, SD, LoadOptions(prompt="a face"), Placement(CPU)).encode(torch.zeros(2, 3, 16, 16))
    assert z is not None
    assert pipe.text_encoder is None
    encoder = transformers.CLIPTextModel.from_pretrained(folder / "text_encoder")
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder / "tokenizer")
    ids = tokenizer("a face", padding="max_length", max_length=77, return_tensors="pt").input_ids
    assert len(set(ids[0].tolist())) > 3
    with torch.no_grad():
        expected = encoder(ids).last_hidden_state
    torch.testing.assert_close(z, expected.expand(2, -1, -1))


def test_padding_of_a_prompt_has_no_gradient(tiny_copy: TinyCopy) -> None:
    parts = pipeline_parts(load_pipeline(tiny_copy("sana-600m")), SANA, LoadOptions(prompt="ab"), Placement(CPU))
    z = parts.encode(torch.zeros(1, 3, 32, 32))
    assert z is not None
    assert parts.latent is not None
    z.requires_grad_()
    output: Any = parts.network(T, torch.randn(1, *parts.latent), z)
    gradient = torch.autograd.grad(output.square().sum(), z)[0][0]
    used = gradient.abs().amax(-1) > 0
    assert used[0]
    assert not used[-1]


@pytest.mark.parametrize("name", ["sd-1.5", "sana-600m"])
def test_its_sample_is_the_pipelines_own(tiny_copy: TinyCopy, name: str) -> None:
    entry = {"sd-1.5": SD, "sana-600m": SANA}[name]
    pipe, options = load_pipeline(tiny_copy(name)), LoadOptions(prompt="a face", negative="dark")
    pipe.scheduler = scheduler_for(pipe.scheduler)
    generator = torch.Generator().manual_seed(2)
    shape = {"sd-1.5": (1, 4, 8, 8), "sana-600m": (1, 4, 16, 16)}[name]
    x_T, call = torch.randn(shape, generator=generator), arguments(pipe, entry, options)
    expected = pipe(**call, latents=x_T, num_inference_steps=5, output_type="latent").images
    parts = pipeline_parts(pipe, entry, options, Placement(CPU))
    scheduler = parts.scheduler()
    scheduler.set_timesteps(5)
    sampler = Sampler.from_scheduler(scheduler)
    *_, found = sample(parts.network, sampler, x_T, parts.encode(torch.zeros(1, 3, entry.size, entry.size)))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("name", PIPELINES)
def test_other_pipelines_are_encoded_steered_and_decoded(name: str, half: bool) -> None:
    tiny = build(PIPELINES[name])
    pipe, placement = tiny.pipe, Placement(CPU, half=half, checkpointing=True, sliced=True)
    text_encoder(pipe, tiny.call, placement.dtype)
    for part in pipe.components.values():
        if half and isinstance(part, torch.nn.Module) and part is not pipe.vae:
            part.to(placement.dtype)
    size = 64 if name == "flux.2-klein" or name.startswith("qwen-image-2.1") else 32
    entry = dataclasses.replace(ENTRIES[name], size=size)
    made: Parts = pipeline_parts(pipe, entry, LoadOptions(), placement)
    assert made.latent is not None
    assert made.encode_image is not None
    assert made.decode is not None
    image = torch.rand(1, 3, size, size) * 2 - 1
    z, state = made.encode(image), made.encode_image(image)
    assert state.shape[1:] == made.latent
    scheduler = made.scheduler()
    scheduler.set_timesteps(3)
    sampler = Sampler.from_scheduler(scheduler, sde=True, family="data", final="sigma_min")
    x_T, noises = encode(made.network, sampler, state, z, torch.Generator().manual_seed(0))
    *_, again = sample(made.network, sampler, x_T, z, noises)
    torch.testing.assert_close(again, state, rtol=1e-4, atol=1e-4)
    decode = made.decode
    found = DiscreteAdjoint().value_and_grad(
        made.network, sampler, x_T, z, lambda x: decode(x).square().flatten(1).mean(1), noises, wrt=("noises", "z")
    )
    assert all(value.abs().max() > 0 for value in found.grads.values())


def test_a_grid_that_a_model_was_distilled_on_is_kept_and_interpolated() -> None:
    tiny = build(PIPELINES["qwen-image-2.1-turbo"])
    text_encoder(tiny.pipe, tiny.call)
    entry = dataclasses.replace(ENTRIES["qwen-image-2.1-turbo"], size=64)
    scheduler = pipeline_parts(tiny.pipe, entry, LoadOptions(), Placement(CPU)).scheduler()
    for steps, sigmas in {
        4: [1.0, 0.9, 0.7, 0.4],
        2: [1.0, 0.7],
        8: [1.0, 0.95, 0.9, 0.8, 0.7, 0.55, 0.4, 0.2],
    }.items():
        scheduler.set_timesteps(steps)
        torch.testing.assert_close(scheduler.sigmas[:-1], torch.tensor(sigmas))


def test_a_gradient_between_the_times_of_the_grid_is_there(tiny_copy: TinyCopy) -> None:
    parts = pipeline_parts(load_pipeline(tiny_copy("sd-1.5")), SD, LoadOptions(guidance=1.0), Placement(CPU))
    scheduler = parts.scheduler()
    scheduler.set_timesteps(4)
    sampler, z = Sampler.from_scheduler(scheduler, noise_level=0.5), parts.encode(torch.zeros(1, 3, 16, 16))
    x_T = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    grads = [
        method.value_and_grad(parts.network, sampler, x_T, z, lambda x: x.square().flatten(1).mean(1)).grads["x_T"]
        for method in (DiscreteAdjoint(), ContinuousAdjoint(order=2, steps=40))
    ]
    assert torch.nn.functional.cosine_similarity(grads[0].flatten(), grads[1].flatten(), dim=0) > 0.9


def test_what_a_pipeline_cannot_do_is_an_error_message(tiny_copy: TinyCopy) -> None:
    pipe = load_pipeline(tiny_copy("sd-1.5"))
    with pytest.raises(UserError, match=r"cannot be steered: .* divisible by 8"):
        pipeline_parts(pipe, dataclasses.replace(SD, size=20), LoadOptions(), Placement(CPU))
    with pytest.raises(UserError, match="ScoreSdeVeScheduler, has no noise schedule"):
        scheduler_for(diffusers.ScoreSdeVeScheduler())


def test_a_network_without_prompt_is_refused(tiny_copy: TinyCopy) -> None:
    parts = pipeline_parts(load_pipeline(tiny_copy("sd-1.5")), SD, LoadOptions(), Placement(CPU))
    with pytest.raises(ValueError, match="needs the prompt's embedding as z"):
        parts.network(T, torch.zeros(1, 4, 8, 8), None)


def test_a_network_that_depends_on_the_number_of_steps_is_refused(tiny_copy: TinyCopy) -> None:
    pipe = load_pipeline(tiny_copy("sd-1.5"))
    own = pipe.unet.forward
    pipe.unet.forward = lambda *given, **named: (own(*given, **named)[0] * pipe._num_timesteps,)
    with pytest.raises(UserError, match="depends on the number of sampling steps"):
        pipeline_parts(pipe, SD, LoadOptions(), Placement(CPU))


def test_a_negative_prompt_that_a_pipeline_does_not_take_is_refused() -> None:
    pipe = build(PIPELINES["flux.2-klein"]).pipe
    with pytest.raises(UserError, match="takes no negative prompt: leave out --negative"):
        arguments(pipe, ENTRIES["flux.2-klein"], LoadOptions(negative="dark"))
