"""A pipeline as model, sampler and conditioning."""

import dataclasses

import diffusers
import pytest
import torch

from adjointdeis import ContinuousAdjoint, DiscreteAdjoint, encode, guide, sample
from adjointdeis.pipelines import from_pipeline
from benchmarks.tiny_pipelines import MODULAR, STANDARD, build
from tests.adjointdeis.pipelines.written import sana, stable_diffusion

pytestmark = pytest.mark.filterwarnings("ignore")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def made(name, steps=2, **changes):
    tiny = build({**STANDARD, **MODULAR}[name])
    return tiny, from_pipeline(tiny.pipe, num_inference_steps=steps, wrt=tiny.wrt, **{**tiny.call, **changes})


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return stable_diffusion(tmp_path_factory.mktemp("pipeline"))


def relative(a, b):
    return float((a - b).abs().max() / b.abs().max())


@pytest.mark.parametrize("name", ["FluxPipeline", "Flux2KleinPipeline", "StableDiffusion3Pipeline"])
def test_the_sample_is_the_pipelines_own_output(name):
    tiny, m = made(name, 4)
    theirs = tiny.pipe(num_inference_steps=4, output_type="pt", generator=generator(3), **tiny.call).images
    *_, last = sample(m.model, m.sampler, m.draw(generator(3)), m.z)
    assert relative((m.decode(last) / 2 + 0.5).clamp(0, 1), theirs) < 1e-5


def test_a_prompt_as_text_is_encoded_once_and_its_embedding_is_in_z(written):
    m = from_pipeline(written, num_inference_steps=3, prompt="a red house", negative_prompt="blue", guidance_scale=3.0)
    assert set(m.z) == {"prompt_embeds"}
    assert m.verify(None) < 1e-5
    theirs = written.encode_prompt("a red house", "cpu", 1, False)[0]
    assert torch.equal(m.z["prompt_embeds"], theirs)
    # the text encoder is not needed any more
    encoder, written.text_encoder = written.text_encoder, None
    try:
        assert m.model(torch.tensor([m.sampler.rows[0].time]), m.draw(generator()), m.z).isfinite().all()
    finally:
        written.text_encoder = encoder


def test_the_negative_embedding_can_be_differentiated_by_its_name(written):
    m = from_pipeline(
        written, num_inference_steps=2, prompt="a", negative_prompt="b", wrt=("prompt_embeds", "negative_prompt_embeds")
    )
    result = DiscreteAdjoint().value_and_grad(
        m.model, m.sampler, m.draw(generator()), m.z, lambda x: x.square().flatten(1).mean(1)
    )
    assert all(result.grads["z"][name].abs().max() > 0 for name in m.z)


def test_another_text_encoder_and_scheduler(tmp_path):
    pipe = sana(tmp_path)
    call = {"height": 32, "width": 32, "use_resolution_binning": False}
    m = from_pipeline(pipe, num_inference_steps=3, prompt="a red house", negative_prompt="blue", **call)
    assert m.verify(None) < 1e-5
    assert m.sampler.carried == 1


def test_two_images_for_one_prompt(written):
    m = from_pipeline(written, num_inference_steps=2, prompt="a", num_images_per_prompt=2, guidance_scale=3.0)
    assert m.draw(generator()).shape[0] == 2
    assert m.verify() < 1e-5


def test_the_sde_has_an_exact_round_trip(written):
    m = from_pipeline(written, num_inference_steps=4, sde=True, prompt="a")
    image = torch.rand(1, 3, 16, 16, generator=generator()) * 2 - 1
    with torch.no_grad():
        x = m.encode_image(image)
        x_T, noises = encode(m.model, m.sampler, x, m.z, generator())
        *_, back = sample(m.model, m.sampler, x_T, m.z, noises)
    assert m.sampler.sde
    assert relative(back, x) < 1e-5


@pytest.mark.parametrize("name", ["StableDiffusionPipeline, DDIM", "StableDiffusionXLPipeline", "FluxPipeline"])
def test_the_round_trip_of_the_sde_is_exact_to_four_units_in_the_last_place(name):
    _, m = made(name, 4, sde=True)
    x = torch.randn(m.draw(generator()).shape, generator=generator(1))
    x_T, noises = encode(m.model, m.sampler, x, m.z, generator(2))
    with torch.no_grad():
        *_, back = sample(m.model, m.sampler, x_T, m.z, noises)
    assert relative(back, x) < 4 * torch.finfo(x.dtype).eps


@pytest.mark.parametrize(
    "name",
    ["StableDiffusionXLPipeline", "FluxPipeline", "Flux2KleinPipeline", "QwenImagePipeline", "SanaSprintPipeline",
     "WanPipeline", "FLUX.2-klein with decoder"],
)  # fmt: skip
def test_decode_has_a_gradient_and_encode_image_undoes_its_layout(name):
    tiny, m = made(name)
    latents = m.draw(generator()).requires_grad_(True)
    image = m.decode(latents)
    (gradient,) = torch.autograd.grad(image.square().sum(), latents)
    assert (gradient != 0).float().mean() > 0.9
    with torch.no_grad():
        state = m.encode_image(image.detach())
        again = m.decode(state)
        pixels = image.detach() if len(m._images.layout.scale.shape) == image.dim() else image.detach()[:, :, None]
        encoded = tiny.pipe.vae.encode(pixels)
        latent = encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else encoded.latent
        direct = tiny.pipe.vae.decode(latent).sample
    assert state.shape == latents.shape
    assert relative(again, direct.reshape(again.shape)) < 1e-4


def test_guide_lowers_a_loss_of_the_image(written):
    m = from_pipeline(written, num_inference_steps=2, prompt="a", guidance_scale=2.0)
    frames = guide(
        m.model,
        m.sampler,
        m.draw(generator()),
        m.z,
        lambda x: m.decode(x).mean(dim=(1, 2, 3)),
        wrt=("x_T", "z"),
        steps=3,
    )
    losses = [float(frame.loss) for frame in frames]
    assert losses[-1] < losses[0]


def test_nothing_of_the_pipeline_is_changed(written):
    before = dict(vars(written))
    config = dict(written.scheduler.__dict__)
    m = from_pipeline(written, num_inference_steps=2, prompt="a")
    m.verify()
    m.decode(m.draw(generator()))
    assert set(vars(written)) - set(before) <= {
        "_interrupt", "_guidance_scale", "_guidance_rescale", "_clip_skip", "_cross_attention_kwargs", "_num_timesteps"
    }  # fmt: skip
    assert written.scheduler is before["scheduler"]
    assert {k: v for k, v in written.scheduler.__dict__.items() if not isinstance(v, torch.Tensor)} == {
        k: v for k, v in config.items() if not isinstance(v, torch.Tensor)
    }


def test_a_time_off_the_grid_is_refused(written):
    m = from_pipeline(written, num_inference_steps=2, prompt="a")
    with pytest.raises(ValueError, match="defined on its own 2 times only"):
        m.model(torch.tensor([123.0]), m.draw(generator()), m.z)


def test_a_method_that_leaves_the_grid_is_refused_there(written):
    m = from_pipeline(written, num_inference_steps=3, prompt="a")
    with pytest.raises(ValueError, match="stay on the grid"):
        ContinuousAdjoint(steps=5).value_and_grad(
            m.model, m.sampler, m.draw(generator()), m.z, lambda x: x.square().flatten(1).mean(1)
        )


def test_options_that_act_on_some_steps_see_the_right_step():
    """The ControlNet ends half-way."""
    _, m = made("StableDiffusionControlNetPipeline", 4, control_guidance_end=0.5)
    _, whole = made("StableDiffusionControlNetPipeline", 4, control_guidance_end=1.0)
    x, times = m.draw(generator()), [row.time for row in m.sampler.rows]
    with torch.no_grad():
        pairs = [[n.model(torch.tensor([t]), x, m.z) for n in (m, whole)] for t in times]
    assert [torch.equal(a, b) for a, b in pairs] == [True, True, False, False]


def test_eta_of_ddim_is_part_of_the_table():
    _, m = made("StableDiffusionPipeline, DDIM", 3, eta=1.0)
    assert m.sampler.sde
    assert m.verify(None) < 1e-5


def test_a_scheduler_with_a_history_that_has_no_table_is_refused():
    tiny = build(STANDARD["StableDiffusionPipeline, DDIM"])
    tiny.pipe.scheduler = diffusers.HeunDiscreteScheduler()
    with pytest.raises(NotImplementedError, match="HeunDiscreteScheduler"):
        from_pipeline(tiny.pipe, num_inference_steps=3, **tiny.call)


def test_another_grid_and_another_size_need_no_second_encoding(written, monkeypatch):
    call = {"prompt": "a red house", "guidance_scale": 3.0}
    m, own = (from_pipeline(written, num_inference_steps=n, **call) for n in (4, 7))
    monkeypatch.setattr(type(written), "encode_prompt", lambda *_, **__: pytest.fail("encoded again"))
    again = m.at(7)
    x = own.draw(generator())
    assert torch.equal(x, again.draw(generator()))
    for t in own.model.adapter.start.timesteps[2:4]:
        assert torch.equal(own.model(t[None], x, own.z), again.model(t[None], x, again.z))
    assert m.at(4, height=8, width=8).draw().shape[-1] == x.shape[-1] // 2


@pytest.mark.parametrize("name", ["StableDiffusionPipeline, DDIM", "StableDiffusion3Pipeline", "FluxPipeline"])
def test_off_the_grid_a_network_without_step_options_is_that_of_another_grid(name):
    _, m = made(name, 4)
    fine = m.at(7)
    x, t = m.draw(generator()), fine.model.adapter.start.timesteps[3:4]
    with pytest.raises(ValueError, match="stay on the grid"):
        m.model(t, x, m.z)
    found = dataclasses.replace(m.model, off_grid=True)(t, x, m.z)
    assert torch.equal(found, fine.model(t, x, fine.z))
