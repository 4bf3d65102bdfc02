"""What people add to a pipeline works as it is: LoRA, textual inversion, offloading."""

import pytest
import torch

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


class LowRank(torch.nn.Module):
    """W x + B A x, as LoRA puts it in the place of a linear layer."""

    def __init__(self, linear, rank=2):
        super().__init__()
        self.linear = linear
        self.down = torch.nn.Linear(linear.in_features, rank, bias=False)
        self.up = torch.nn.Linear(rank, linear.out_features, bias=False)

    def forward(self, x):
        return self.linear(x) + self.up(self.down(x))


def test_a_lora_acts(pipe):
    before = output(made(pipe))
    torch.manual_seed(0)
    attentions = [module for module in pipe.unet.modules() if hasattr(module, "to_q")]
    assert attentions
    for attention in attentions:
        attention.to_q, attention.to_v = LowRank(attention.to_q), LowRank(attention.to_v)
    m = made(pipe)
    check(m)
    assert not torch.allclose(output(m), before, rtol=1e-3, atol=1e-4)


def test_a_textual_inversion_acts(pipe):
    torch.manual_seed(0)
    width = pipe.text_encoder.config.hidden_size
    pipe.load_textual_inversion({"<toy>": torch.randn(2, width)}, token="<toy>")
    m, plain = made(pipe, prompt="a <toy> house"), made(pipe, prompt="a house")
    check(m)
    assert not torch.allclose(m.z["prompt_embeds"], plain.z["prompt_embeds"])


def test_an_offloaded_network_has_its_gradient(pipe):
    expected = output(made(pipe))
    cpu = torch.device("cpu")
    pipe.unet.enable_group_offload(onload_device=cpu, offload_device=cpu, offload_type="leaf_level")
    m = made(pipe)
    check(m)
    torch.testing.assert_close(output(m), expected)
