"""The estimate against a real gradient step."""

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from adjointdeis.pipelines import from_pipeline
from studio.models.placement.configs import CONFIGS
from studio.models.placement.estimate import Estimate, Indices, MemoryCounter, build_network, footprint
from studio.models.placement.placement import Footprint, Placement
from studio.models.placement.untrained import call_of, untrained

CPU = torch.device("cpu")
UNET = {
    "_class_name": "UNet2DModel",
    "sample_size": 16,
    "in_channels": 3,
    "out_channels": 3,
    "block_out_channels": (8, 16),
    "down_block_types": ("DownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "UpBlock2D"),
    "norm_num_groups": 4,
    "layers_per_block": 4,
}
KL = {
    "_class_name": "AutoencoderKL",
    "block_out_channels": (8, 16),
    "norm_num_groups": 4,
    "down_block_types": ("DownEncoderBlock2D",) * 2,
    "up_block_types": ("UpDecoderBlock2D",) * 2,
    "latent_channels": 3,
}

KLEIN = {
    "_class_name": "Flux2Transformer2DModel",
    "patch_size": 1,
    "in_channels": 16,
    "num_layers": 4,
    "num_single_layers": 5,
    "attention_head_dim": 16,
    "num_attention_heads": 2,
    "joint_attention_dim": 32,
    "timestep_guidance_channels": 256,
    "axes_dims_rope": (4, 4, 4, 4),
    "guidance_embeds": False,
}


def test_the_counter_adds_up_live_storages() -> None:
    with MemoryCounter() as live:
        a = torch.zeros(1000)  # 4000 bytes
        b = a.view(10, 100) + 1  # 4000 more; a view allocates nothing
        del a
        c = b * 2  # the first is freed
        del b
    assert live.peak == 8000
    assert live.current == 4000
    del c


@pytest.mark.slow
def test_the_estimate_equals_a_real_step() -> None:
    import diffusers

    estimated = footprint("unconditional", {"denoiser": UNET}, Placement(CPU))
    config = {key: value for key, value in UNET.items() if key != "_class_name"}
    unet = diffusers.UNet2DModel(**config).requires_grad_(False)
    x = torch.zeros(1, 3, 16, 16, requires_grad=True)
    with MemoryCounter() as live:
        output = unet(x, torch.tensor([500])).sample
        output.backward(torch.ones_like(output))
    assert estimated.step == pytest.approx(live.peak, rel=0.02)
    assert estimated.weights == sum(p.nbytes for p in unet.parameters())
    assert estimated.state == x.nbytes


@pytest.mark.slow
def test_the_estimate_of_a_pipeline_equals_a_real_step_of_that_pipeline() -> None:
    configs = {
        "denoiser": KLEIN,
        "vae": {**KL, "_class_name": "AutoencoderKLFlux2", "latent_channels": 4},
        "pipeline": {**CONFIGS["flux.2-klein"]["pipeline"], "embeddings": {"prompt_embeds": (7, 32)}},
    }
    estimated = Estimate("pipeline", configs, size=64).footprint(Placement(CPU))
    network, vae = build_network(KLEIN), build_network(configs["vae"])
    pipe = untrained(configs, network, vae)
    m = from_pipeline(pipe, num_inference_steps=2, **call_of(pipe, configs, 64))
    x, z = m.draw().requires_grad_(), m.z["prompt_embeds"].requires_grad_()
    with MemoryCounter() as live:
        output = m.model(m.model.adapter.start.timesteps[:1], x, {"prompt_embeds": z})
        output.backward(torch.ones_like(output))
    # a little too much: all inputs have a gradient in the estimate, times and positions too
    assert live.peak <= estimated.step <= 1.15 * live.peak
    assert estimated.weights == sum(p.nbytes for part in (network, vae) for p in part.parameters())
    assert estimated.operations > sum(p.numel() for p in network.parameters())


@pytest.mark.slow
class _Repeated(nn.Module):
    """A network whose shapes depend on a mask, as that of Qwen-Image 2.1."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        repeats = torch.where(mask, 4, 1)
        wide = x.repeat_interleave(repeats, dim=1)
        chosen = torch.repeat_interleave(mask, repeats)
        return self.layer(wide)[:, chosen] * (~chosen).nonzero().shape[0]


def test_shapes_that_depend_on_a_mask_are_computed_from_its_values() -> None:
    mask, network = torch.tensor([True, False, True]), _Repeated()
    with FakeTensorMode(allow_non_fake_inputs=True), Indices():  # type: ignore[no-untyped-call]
        out = network(torch.zeros(2, 3, 8), mask)
    assert isinstance(out, FakeTensor)
    assert out.shape == network(torch.zeros(2, 3, 8), mask).shape == (2, 8, 8)


@pytest.mark.slow
def test_each_option_saves_memory() -> None:
    plain, again, half = (
        footprint("unconditional", {"denoiser": UNET}, held)
        for held in (Placement(CPU), Placement(CPU, checkpointing=True), Placement(CPU, half=True))
    )
    assert again.step < 0.9 * plain.step
    assert half.weights == plain.weights / 2
    assert 0.4 * plain.step < half.step < 0.7 * plain.step
    together, apart = (
        footprint("unconditional", {"denoiser": UNET}, Placement(CPU, batched=both), guided=True)
        for both in (True, False)
    )
    assert apart.step < 0.6 * together.step


@pytest.mark.slow
def test_the_decoder_counts_if_it_is_the_largest() -> None:
    latent = footprint("latent", {"denoiser": UNET, "vae": KL}, Placement(CPU))
    assert latent.decode > latent.step
    assert latent.total(20) == latent.weights + 180 * latent.state + latent.decode
    assert footprint("unconditional", {"denoiser": UNET}, Placement(CPU)).decode == 0


def test_only_the_states_grow_with_the_number_of_steps() -> None:
    found = Footprint(weights=10, step=5, decode=3, state=1)
    assert found.total(20) == 10 + 180 + 5
    assert found.total(40) - found.total(20) == 180


@pytest.mark.slow
def test_the_estimate_restores_the_default_dtype() -> None:
    footprint("unconditional", {"denoiser": UNET}, Placement(CPU, half=True))
    assert torch.get_default_dtype() == torch.float32
    assert type(nn.Linear(1, 1).weight.data) is torch.Tensor
