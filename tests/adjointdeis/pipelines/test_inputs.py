"""What bad input gets: one sentence with the cure."""

import types

import diffusers
import pytest
import torch

from adjointdeis.pipelines import from_pipeline
from benchmarks.tiny_pipelines import MODULAR, STANDARD, build

pytestmark = pytest.mark.filterwarnings("ignore")
NAME = "StableDiffusionPipeline, DDIM"


def tiny(name=NAME):
    return build({**STANDARD, **MODULAR}[name])


def made(found, **changes):
    return from_pipeline(found.pipe, num_inference_steps=2, wrt=found.wrt, **{**found.call, **changes})


def refused(found, sentence, kind=ValueError, **changes):
    with pytest.raises(kind, match=sentence):
        made(found, **changes)


@pytest.mark.parametrize("name", [NAME, "FLUX.3"])
def test_a_pipeline_without_scheduler(name):
    found = tiny(name)
    vars(found.pipe)["scheduler"] = None
    refused(found, r"has no usable scheduler: pipe.scheduler is NoneType. Set one of diffusers")


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("latents", r"Leave latents out of the call: the state is the argument x"),
        ("generator", r"draw\(generator\) takes it"),
        ("callback_on_step_end", r"a callback may change the latents"),
        ("output_type", r"decode\(latents\) gives the image"),
    ],
)
def test_an_argument_that_is_not_for_the_call(argument, sentence):
    refused(tiny(), sentence, **{argument: 1})


@pytest.mark.parametrize("name", [NAME, "FLUX.3"])
def test_an_argument_that_the_pipeline_does_not_take(name):
    refused(tiny(name), r"takes no argument 'guidence'; it takes .*height", guidence=3.0)


def test_a_prompt_without_text_encoder():
    found = tiny()
    call = {"prompt": "a house", "height": 32, "width": 32}
    with pytest.raises(
        ValueError, match=r"the text encoder of this StableDiffusionPipeline is not loaded; pass prompt_embeds"
    ):
        from_pipeline(found.pipe, num_inference_steps=2, **call)


def test_embeddings_on_another_device():
    found = tiny()
    refused(
        found,
        r"prompt_embeds is on meta, but StableDiffusionPipeline runs on cpu; move it there",
        prompt_embeds=found.call["prompt_embeds"].to("meta"),
    )


def test_latents_of_another_shape():
    m = made(tiny())
    with pytest.raises(ValueError, match=r"\(1, 4, 16, 16\); got \(1, 4, 8, 8\). Set height, width"):
        m.model(torch.tensor([m.sampler.rows[0].time]), torch.randn(1, 4, 8, 8), m.z)


def test_an_image_of_another_size():
    with pytest.raises(ValueError, match=r"The image must be of the pipeline's size.*Resize it"):
        made(tiny()).encode_image(torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize("name", [NAME, "FLUX.3"])
def test_an_embedding_that_does_not_exist(name):
    found = tiny(name)
    with pytest.raises(ValueError, match=r"wrt names 'pooled', which .*prompt_embeds"):
        from_pipeline(found.pipe, num_inference_steps=2, wrt=("pooled",), **found.call)


@pytest.mark.parametrize("wrt", ["prompt_embeds", ()])
def test_names_that_are_no_tuple(wrt):
    found = tiny()
    with pytest.raises(ValueError, match=r"wrt must be a tuple of names"):
        from_pipeline(found.pipe, num_inference_steps=2, wrt=wrt, **found.call)


@pytest.mark.parametrize("steps", [0, -1])
def test_a_number_of_steps_that_is_none(steps):
    with pytest.raises(ValueError, match=r"num_inference_steps must be a positive integer"):
        from_pipeline(tiny().pipe, num_inference_steps=steps)


def test_a_pipeline_without_embeddings():
    unet = diffusers.UNet2DModel(
        32, block_out_channels=[32, 64], down_block_types=["DownBlock2D"] * 2, up_block_types=["UpBlock2D"] * 2
    )
    pipe = diffusers.DDIMPipeline(unet=unet, scheduler=diffusers.DDIMScheduler())
    with pytest.raises(ValueError, match=r"DDIMPipeline takes no latents"):
        from_pipeline(pipe, num_inference_steps=2)


def test_what_is_no_pipeline():
    with pytest.raises(ValueError, match=r"needs a DiffusionPipeline or ModularPipeline of diffusers.*got Linear"):
        from_pipeline(torch.nn.Linear(2, 2), num_inference_steps=2)


def test_the_decoder_of_a_core_block():
    m = made(tiny("FLUX.3"))
    with pytest.raises(ValueError, match=r"has no VAE, so its states cannot be decoded; add one"):
        m.decode(m.draw(torch.Generator().manual_seed(0)))


def test_a_safety_checker_that_would_black_out():
    found = tiny()
    m = made(found)
    x = m.draw(torch.Generator().manual_seed(0))
    flags = [False]

    def check(image, device, dtype):
        if flags[0]:
            image.zero_()
        return image, list(flags)

    vars(found.pipe).update(safety_checker=object(), run_safety_checker=check)
    allowed = m.decode(x)
    assert allowed.abs().max() > 0
    flags[0] = True
    with pytest.raises(
        ValueError, match=r"would black out this image, which has no gradient; change the prompt, or load"
    ):
        m.decode(x)


class Linear8bitLt(torch.nn.Module):
    """As bitsandbytes names it: no gradient passes through."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    @torch.no_grad()
    def forward(self, x):
        return self.inner(x)


class OptimizedModule(torch.nn.Module):
    """As torch.compile names it: compiled for inference."""

    def __init__(self, inner):
        super().__init__()
        self._orig_mod = inner

    def forward(self, x):
        with torch.inference_mode():
            return self._orig_mod(x)


def test_quantised_weights_that_give_no_gradient():
    found = tiny()
    found.pipe.unet.conv_in = Linear8bitLt(found.pipe.unet.conv_in)
    m = made(found)
    with pytest.raises(
        ValueError, match=r"quantised layers \(Linear8bitLt\) that give no gradient; load its weights in bf"
    ):
        m.verify()
    # where the embeddings still have a gradient, the output has one, and the state's is zero: verify is what finds it
    found.pipe.unet.forward = types.MethodType(torch.no_grad()(type(found.pipe.unet).forward), found.pipe.unet)
    x = m.draw(torch.Generator().manual_seed(0)).requires_grad_(True)
    with pytest.raises(ValueError, match="quantised layers"):
        m.model(torch.tensor([m.sampler.rows[0].time]), x, m.z)


def test_a_compiled_network_without_backward():
    found = tiny()
    found.pipe.unet.conv_in = OptimizedModule(found.pipe.unet.conv_in)
    with pytest.raises(ValueError, match=r"a compiled network needs its backward pass; use the uncompiled one"):
        made(found).verify()


def test_the_sde_on_a_grid_that_is_not_read():
    found = tiny("LatentConsistencyModelPipeline")
    with pytest.raises(
        NotImplementedError, match=r"sde=True needs the grid of one of .*; the pipeline has LCMScheduler"
    ):
        from_pipeline(found.pipe, num_inference_steps=2, sde=True, **found.call)
