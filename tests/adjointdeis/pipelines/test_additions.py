"""What people add to a pipeline works as it is: LoRA, textual inversion, offloading."""

import pytest
import torch
from safetensors.torch import save_file

from adjointdeis import DiscreteAdjoint, Unrolled
from adjointdeis.pipelines import from_pipeline
from tests.adjointdeis.pipelines.written import stable_diffusion

pytestmark = pytest.mark.filterwarnings("ignore")
CALL = {"prompt": "a red house", "negative_prompt": "blue", "guidance_scale": 3.0}


@pytest.fixture
def pipe(tmp_path):
    return stable_diffusion(tmp_path)


def made(pipe, **changes):
    return from_pipeline(pipe, num_inference_steps=3, **{**CALL, **changes})


def output(m):
    x = m.draw(torch.Generator().manual_seed(0))
    return m.model(m.model.adapter.start.timesteps[:1], x, m.z)


def check(m):
    """Its sample is the pipeline's, and its gradient that of plain autograd."""
    assert m.verify(None) < 1e-5
    x_T = m.draw(torch.Generator().manual_seed(0))
    found, truth = (
        method.value_and_grad(m.model, m.sampler, x_T, m.z, lambda x: x.square().flatten(1).mean(1)).grads
        for method in (DiscreteAdjoint(), Unrolled())
    )
    torch.testing.assert_close(found["x_T"], truth["x_T"], rtol=1e-4, atol=1e-5 * float(truth["x_T"].abs().max()))


@pytest.mark.slow
def test_a_lora_acts(pipe, tmp_path):
    """Weights that are loaded from a file by PEFT, with a scale of 0.5 and fused."""
    before, torch_state = output(made(pipe)), torch.random.get_rng_state()
    torch.manual_seed(0)
    weights = {}
    for name, module in pipe.unet.named_modules():
        if name.endswith(("to_q", "to_v")):
            weights[f"unet.{name}.lora_A.weight"] = torch.randn(2, module.in_features)
            weights[f"unet.{name}.lora_B.weight"] = torch.randn(module.out_features, 2)
    torch.random.set_rng_state(torch_state)
    assert weights
    save_file(weights, tmp_path / "lora.safetensors")
    pipe.load_lora_weights(tmp_path, weight_name="lora.safetensors", adapter_name="style")
    pipe.set_adapters("style", 0.5)
    half = made(pipe)
    check(half)
    assert not torch.allclose(output(half), before, rtol=1e-3, atol=1e-4)
    pipe.fuse_lora(lora_scale=1.0, adapter_names=["style"])
    pipe.unload_lora_weights()
    fused = made(pipe)
    check(fused)
    assert not torch.allclose(output(fused), before, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_a_textual_inversion_acts(pipe):
    torch.manual_seed(0)
    width = pipe.text_encoder.config.hidden_size
    pipe.load_textual_inversion({"<toy>": torch.randn(2, width)}, token="<toy>")
    m, plain = made(pipe, prompt="a <toy> house"), made(pipe, prompt="a house")
    check(m)
    assert not torch.allclose(m.z["prompt_embeds"], plain.z["prompt_embeds"])


@pytest.mark.slow
def test_an_offloaded_network_has_its_gradient(pipe):
    expected = output(made(pipe))
    cpu = torch.device("cpu")
    pipe.unet.enable_group_offload(onload_device=cpu, offload_device=cpu, offload_type="leaf_level")
    m = made(pipe)
    check(m)
    torch.testing.assert_close(output(m), expected)
