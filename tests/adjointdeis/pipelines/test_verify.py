"""Our sample against the pipeline's own, and what is named where they differ."""

import pytest
import torch

from adjointdeis.pipelines import from_pipeline
from benchmarks.tiny_pipelines import (
    MODULAR,
    NO_CHECKER,
    STANDARD,
    Tiny,
    _embeds,
    _unet,
    _vae,
    build,
    diffusers,
    no_text,
)

pytestmark = pytest.mark.filterwarnings("ignore")


def made(found, steps=2, **changes):
    return from_pipeline(found.pipe, num_inference_steps=steps, wrt=found.wrt, **{**found.call, **changes})


def inpainting():
    pipe = diffusers.StableDiffusionInpaintPipeline(
        vae=_vae(),
        unet=_unet(),
        scheduler=diffusers.DDIMScheduler(clip_sample=False),
        **NO_CHECKER,
        **no_text(),
    )
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., :16] = 1
    return Tiny(pipe, {**_embeds(32), "height": 32, "width": 32, "image": torch.rand(1, 3, 32, 32), "mask_image": mask})


def test_a_pipeline_that_changes_the_latents_between_steps_is_refused():
    with pytest.raises(ValueError, match=r"The state between the steps at t = \d+ and \d+ is changed by the pipeline"):
        made(build(inpainting)).verify()


def test_a_network_that_remembers_its_calls_is_refused():
    found = build(STANDARD["StableDiffusionPipeline, DDIM"])
    calls = []

    def remember(_, __, output):
        calls.append(1)
        return output * (1 + 0.01 * len(calls))

    found.pipe.unet.conv_in.register_forward_hook(remember)
    with pytest.raises(
        ValueError, match=r"The network's output at step 1 .* differs from what StableDiffusionPipeline"
    ):
        made(found).verify()


def test_an_option_of_single_steps_is_named_where_it_cannot_be_followed():
    """The loop of Lumina 2 cannot be entered in the middle, and its guidance ends by the loop's index."""
    found = build(STANDARD["Lumina2Pipeline"])
    assert made(found).verify() < 1e-5
    with pytest.raises(ValueError, match=r"cfg_trunc_ratio acts on some steps only: leave it out"):
        made(found, cfg_trunc_ratio=0.5).verify()


@pytest.mark.slow
def test_an_option_of_single_steps_is_followed_where_the_loop_can_be_interrupted():
    found = build(STANDARD["StableDiffusionControlNetPipeline"])
    assert made(found, 4, control_guidance_start=0.3, control_guidance_end=0.8).verify(None) < 1e-5


@pytest.mark.parametrize("make", [lambda: made(build(STANDARD["FluxPipeline"])), lambda: in_half("FluxPipeline")])
def test_another_table_is_refused(monkeypatch, make):
    import adjointdeis.pipelines as pipelines

    own = pipelines.table

    def wrong(*arguments, **named):
        found = own(*arguments, **named)
        rows = tuple(row._replace(A=row.A * 1.01) for row in found.sampler.rows)
        object.__setattr__(found.sampler, "rows", rows)
        return found

    monkeypatch.setattr(pipelines, "table", wrong)
    with pytest.raises(ValueError, match="The last state differs"):
        make().verify()


def in_half(name):
    found = build(STANDARD[name])
    found.pipe.to(torch.bfloat16)
    call = {
        k: v.bfloat16() if isinstance(v, torch.Tensor) and v.is_floating_point() else v for k, v in found.call.items()
    }
    return made(found._replace(call=call))


@pytest.mark.parametrize("name", ["FluxPipeline", "StableDiffusionPipeline, DDIM", "StableDiffusionXLPipeline"])
@pytest.mark.slow
def test_half_precision_is_allowed_a_larger_difference(name):
    """The states of these pipelines are rounded after every step, by as much as 0.4 %."""
    m = in_half(name)
    assert 0 < m.verify() < 5e-3
    x = m.draw(torch.Generator().manual_seed(0)).float()
    assert m.model(torch.tensor([m.sampler.rows[0].time]), x, m.z).isfinite().all()


@pytest.mark.parametrize("name", ["FLUX.3 distilled (flow map)", "FLUX.2-klein with decoder"])
def test_modular_pipelines_are_verified_too(name):
    assert made(build(MODULAR[name]), 4).verify(None) < 1e-6


def test_two_steps_are_compared_unless_asked_otherwise(monkeypatch):
    found = build(STANDARD["FluxPipeline"])
    m = made(found, 6)
    own, calls = found.pipe.transformer.forward, []
    found.pipe.transformer.forward = lambda *a, **k: calls.append(1) or own(*a, **k)
    m.verify()
    few = len(calls)
    m.verify(None)
    # by the pipeline, by step and in the sample, and one gradient; another grid is found by one more call
    assert (few, len(calls) - few) == (3 * 2 + 1 + 1, 3 * 6 + 1)


@pytest.mark.slow
def test_freeu_is_followed():
    found = build(STANDARD["StableDiffusionPipeline, DDIM"])
    found.pipe.enable_freeu(s1=0.9, s2=0.2, b1=1.2, b2=1.4)
    assert made(found, 4).verify(None) < 1e-5


@pytest.mark.slow
def test_perturbed_attention_guidance_is_followed():
    pipe = diffusers.StableDiffusionPAGPipeline(
        vae=_vae(),
        unet=_unet(),
        scheduler=diffusers.DDIMScheduler(clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
        pag_applied_layers=["mid"],
        **no_text(),
    )
    call = {**_embeds(32), "height": 32, "width": 32, "pag_scale": 3.0}
    assert made(Tiny(pipe, call), 4).verify(None) < 1e-5


@pytest.mark.slow
def test_a_compiled_network_with_its_backward_is_followed():
    found = build(STANDARD["FluxPipeline"])
    vars(found.pipe)["transformer"] = torch.compile(found.pipe.transformer, backend="aot_eager")
    assert made(found).verify() < 1e-5
