"""Modular pipelines: a folder with modular_model_index.json, and blocks that no folder has."""

import dataclasses
import importlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from adjointdeis import DiscreteAdjoint, Sampler, Unrolled, encode, sample
from benchmarks import tiny_pipelines
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.models.catalogue.registry import ENTRIES
from studio.models.loading.load import load
from studio.models.loading.pipelines.load import load_pipeline
from studio.models.loading.pipelines.parts import PromptNetwork, pipeline_parts
from studio.models.losses import LossNetworks
from studio.models.options import LoadOptions
from studio.models.placement.placement import Placement
from studio.runs.events import Outcome
from studio.runs.request import Request
from studio.runs.steer import steer

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.slow
CPU = torch.device("cpu")
NAME = "a modular pipeline"
TinyCopy = Callable[[str], Path]


@pytest.fixture
def mine(tiny_copy: TinyCopy, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    folder = tmp_path / "mine"
    shutil.copytree(tiny_copy(NAME), folder)
    return folder


def changed(folder: Path, **changes: Any) -> None:
    path = folder / "modular_model_index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_run_lowers_the_loss_and_its_sample_is_the_pipelines_own(
    tiny_copy: TinyCopy, loss_networks: LossNetworks, face: Path, cancel_token: CancelToken
) -> None:
    folder = tiny_copy(NAME)
    model = load(str(folder), placement=Placement(CPU), loss_networks=loss_networks)
    wanted = {"prompt": "red", "sampling_steps": 3, "optimisation_steps": 3, "closeness": 0.0, "z_rate": 0.05}
    *_, found = steer(model, Request.checked(wanted, face, None, model.size), cancel_token)
    assert isinstance(found, Outcome)
    assert found.best.total < found.curve[0].total

    call = {"height": model.size, "width": model.size, "num_inference_steps": 5}
    theirs = load_pipeline(folder)(
        prompt=ENTRIES["sd-1.5"].prompt, output_type="pt", generator=torch.Generator().manual_seed(2), **call
    ).images
    scheduler = model.scheduler()
    scheduler.set_timesteps(5)
    x_T = torch.randn(1, *model.state_shape, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        z = model.encode(torch.zeros(1, 3, model.size, model.size))
        *_, last = sample(model.network, Sampler.from_scheduler(scheduler), x_T, z)
    ours = model.decode_latents(last) / 2 + 0.5
    torch.testing.assert_close(ours.clamp(0, 1), theirs, rtol=1e-4, atol=1e-4)


def test_its_prompt_is_encoded_once_and_its_text_encoder_is_freed(
    tiny_copy: TinyCopy, loss_networks: LossNetworks
) -> None:
    model = load(str(tiny_copy(NAME)), placement=Placement(CPU), loss_networks=loss_networks)
    network: Any = model.network
    assert isinstance(network, PromptNetwork)
    assert network.model.pipe.text_encoder is None
    model.scheduler().set_timesteps(7)  # another grid, without the encoder


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"_class_name": "HomeMade"}, "The class of this pipeline, HomeMade, is none of diffusers"),
        ({"_class_name": "ZImagePipeline"}, "The class of this pipeline, ZImagePipeline, is none of diffusers"),
        ({"_blocks_class_name": "HomeMadeBlocks"}, "block class of this pipeline, HomeMadeBlocks, is none"),
        ({"transformer": ["my_code", "Net", {}]}, "part transformer is from my_code: only diffusers and transformers"),
        ({"scheduler": ["my_code", "Steps", {}]}, "part scheduler is from my_code: only diffusers and transformers"),
        (
            {"vae": [None, None, {"subfolder": "../vae", "type_hint": ["diffusers", "AutoencoderKL"]}]},
            "part vae is not in a folder of its own",
        ),
    ],
)
def test_no_code_from_the_folder_is_run(mine: Path, changes: dict[str, Any], message: str) -> None:
    (mine / "my_code.py").write_text("raise SystemExit('code of the folder was run')")
    changed(mine, **changes)
    with pytest.raises(UserError, match=message):
        load_pipeline(mine)


def test_a_part_that_is_in_another_repository_is_missing(mine: Path, loss_networks: LossNetworks) -> None:
    shutil.rmtree(mine / "text_encoder")
    with pytest.raises(UserError, match="is incomplete, without its text_encoder: get the folder again"):
        load(str(mine), placement=Placement(CPU), loss_networks=loss_networks)


def test_weights_that_are_no_safetensors_are_refused(mine: Path) -> None:
    for path in (mine / "transformer").glob("*.safetensors"):
        path.rename(path.with_suffix(".bin"))
    with pytest.raises(UserError, match=r"holds no weights as \.safetensors"):
        load_pipeline(mine)


def whole(name: str) -> Any:
    """A core denoising step of `tiny_pipelines` with a decoder, and a text encoder that returns its embeddings."""
    tiny = tiny_pipelines.build(tiny_pipelines.MODULAR[name])
    modular: Any = importlib.import_module("diffusers.modular_pipelines.modular_pipeline")
    utilities: Any = importlib.import_module("diffusers.modular_pipelines.modular_pipeline_utils")
    embeddings = {key: value for key, value in tiny.call.items() if "embeds" in key}

    class TextEncoder(modular.ModularPipelineBlocks):  # type: ignore[misc]
        model_name = "flux3"
        inputs = (utilities.InputParam("prompt"), utilities.InputParam("negative_prompt"))
        expected_components = (utilities.ComponentSpec("text_encoder", transformers.CLIPTextModel),)
        intermediate_outputs = tuple(
            utilities.OutputParam(key, kwargs_type="denoiser_input_fields") for key in embeddings
        )

        def __call__(self, pipe: Any, state: Any) -> tuple[Any, Any]:
            for key, value in embeddings.items():
                state.set(key, value, "denoiser_input_fields")
            return pipe, state

    decoder = importlib.import_module("diffusers.modular_pipelines.flux3.decoders").Flux3DecodeStep()
    blocks = {"text_encoder": TextEncoder(), "denoise": tiny.pipe._blocks, "decode": decoder}
    pipe = modular.SequentialPipelineBlocks.from_blocks_dict(blocks).init_pipeline()
    parts = {key: part for key, part in tiny.pipe.components.items() if part is not None}
    vae = tiny_pipelines.build(tiny_pipelines.MODULAR["FLUX.2-klein with decoder"]).pipe.vae
    config = transformers.CLIPTextConfig(vocab_size=8, hidden_size=4, num_hidden_layers=1, num_attention_heads=1)
    pipe.update_components(**parts, vae=vae, text_encoder=transformers.CLIPTextModel(config))
    return pipe


def test_flux_3_is_encoded_steered_and_decoded_with_an_exact_gradient() -> None:
    entry = dataclasses.replace(ENTRIES["flux.2-klein"], size=64, guidance=3.0)
    pipe = whole("FLUX.3")
    made = pipeline_parts(pipe, entry, LoadOptions(), Placement(CPU))
    assert pipe.guider.guidance_scale == 3.0
    assert made.encode_image is not None
    assert made.decode is not None
    image = torch.rand(1, 3, 64, 64) * 2 - 1
    z, state, decode = made.encode(image), made.encode_image(image), made.decode
    scheduler = made.scheduler()
    scheduler.set_timesteps(3)
    sampler = Sampler.from_scheduler(scheduler, sde=True, family="data", final="sigma_min")
    x_T, noises = encode(made.network, sampler, state, z, torch.Generator().manual_seed(0))
    *_, again = sample(made.network, sampler, x_T, z, noises)
    torch.testing.assert_close(again, state, rtol=1e-4, atol=1e-4)
    found, exact = (
        method.value_and_grad(
            made.network, sampler, x_T, z, lambda x: decode(x).square().flatten(1).mean(1), noises, wrt=("noises", "z")
        ).grads
        for method in (DiscreteAdjoint(), Unrolled())
    )
    for name, truth in exact.items():
        assert truth.abs().max() > 0
        torch.testing.assert_close(found[name], truth, rtol=1e-3, atol=1e-4 * float(truth.abs().max()))


def test_a_flow_map_which_depends_on_the_next_time_is_refused() -> None:
    entry = dataclasses.replace(ENTRIES["flux.2-klein"], size=64)
    with pytest.raises(UserError, match="depends on the number of sampling steps"):
        pipeline_parts(whole("FLUX.3 distilled (flow map)"), entry, LoadOptions(), Placement(CPU))
