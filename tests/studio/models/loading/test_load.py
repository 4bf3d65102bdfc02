"""Every model of the registry as a tiny copy with random weights, loaded by the code that loads the original."""

import contextlib
import dataclasses
import functools
import shutil
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from adjointdeis import DiscreteAdjoint, HalfPrecision, Sampler, Unrolled, encode, sample
from adjointdeis.guidance import ClassifierFreeGuidance
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.core.settings import Mode, Settings
from studio.images.load import load_picture, to_image, to_tensor
from studio.models.catalogue.registry import ENTRIES
from studio.models.cli import add_flags, options_of
from studio.models.interface import Model, Origin
from studio.models.loading.load import load
from studio.models.loading.pipelines.load import load_pipeline
from studio.models.loading.pipelines.parts import PromptNetwork
from studio.models.losses import LossNetworks
from studio.models.options import LoadOptions
from studio.models.placement.compiled import compile_denoiser
from studio.models.placement.placement import Placement
from studio.runs.events import Outcome
from studio.runs.request import Request
from studio.runs.sampling import sampler_for
from studio.runs.steer import steer
from tests.tiny_models.make import MAKERS, PIPELINES, SIZE, SIZES

TEXT = {name for name, entry in ENTRIES.items() if entry.kind == "pipeline"}
REGISTERED = [name for name in ENTRIES if name in MAKERS]
TINY_COPIES = [*REGISTERED, "a class-conditional UNet"]
CPU = torch.device("cpu")
pytestmark = pytest.mark.slow
TinyCopy = Callable[[str], Path]
Save = Callable[[Outcome, Model], Settings]


def loaded(tiny_copy: TinyCopy, loss_networks: LossNetworks, name: str, **options: Any) -> Model:
    """A tiny copy in place of the original, with the registry's kind, prompt, guidance and latent scale."""
    if name in TEXT:
        pytest.importorskip("transformers")
    folder = str(tiny_copy(name))
    with pytest.MonkeyPatch.context() as patch:
        if name in ENTRIES:
            there = dataclasses.replace(ENTRIES[name], repo=folder, size=SIZES.get(name, SIZE))
            patch.setattr("studio.models.loading.load.find_entry", lambda *_: there)
        return load(folder, placement=Placement(CPU), loss_networks=loss_networks, options=LoadOptions(**options))


def bare(network: Any) -> Any:
    while isinstance(network, ClassifierFreeGuidance):
        network = network.model
    return network


def in_double(model: Model) -> None:
    decode: Any = model.decode
    if isinstance(model.network, PromptNetwork):  # a pipeline is loaded in double, but for its VAE
        decode.__self__.model.pipe.vae.double()
        return
    bare(model.network).double()
    if decode is not None:
        decode.__self__.vae.double()


@contextlib.contextmanager
def pipelines_in_double() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Placement, "dtype", property(lambda _: torch.float64))
        yield


def test_every_entry_with_files_has_a_tiny_copy() -> None:
    assert set(ENTRIES) - {"embedded", "embedded-128"} - set(PIPELINES) <= set(MAKERS)


@pytest.mark.parametrize("name", REGISTERED)
def test_the_model_has_the_fields_of_its_entry(tiny_copy: TinyCopy, loss_networks: LossNetworks, name: str) -> None:
    model, entry = loaded(tiny_copy, loss_networks, name), ENTRIES[name]
    assert (model.name, model.origin.licence, model.origin.z) == (entry.title, entry.licence, entry.z)
    z = model.encode(torch.zeros(1, 3, model.size, model.size))
    assert (z is not None) == entry.has_z
    network: Any = model.network
    if isinstance(network, PromptNetwork):
        assert network.model.adapter.given["guidance_scale"] == entry.guidance
    else:
        assert getattr(network, "scale", 1) == entry.guidance
    assert (model.latent is not None) == (entry.kind not in ("unconditional", "diffae"))


@pytest.mark.parametrize("name", TINY_COPIES)
def test_the_round_trip_is_that_of_the_autoencoder_and_the_loss_falls(
    tiny_copy: TinyCopy,
    loss_networks: LossNetworks,
    face: Path,
    cancel_token: CancelToken,
    saved_settings: Save,
    name: str,
) -> None:
    model = loaded(tiny_copy, loss_networks, name)
    wanted = {"prompt": "red", "sampling_steps": 4, "optimisation_steps": 4, "closeness": 0.0, "z_rate": 0.05}
    request = Request.checked({**wanted, "loss": "clip_text"}, face, None, model.size)
    *_, found = steer(model, request, cancel_token)
    assert isinstance(found, Outcome)
    # the first frame is the autoencoder's reconstruction: for a pixel model the image itself
    start = to_tensor(load_picture(face, model.size))
    reconstruction = to_image(model.decode_latents(model.encode_latents(start)))
    difference = to_tensor(found.frames[0]) - to_tensor(reconstruction)
    assert difference.abs().max() <= 2.1 / 127.5
    if model.latent is None:
        assert found.round_trip.exact
    assert found.best.total < found.curve[0].total
    assert saved_settings(found, model) == request.settings


@pytest.mark.parametrize("mode", ["sde", "ode"])
@pytest.mark.parametrize("name", TINY_COPIES)
def test_the_gradient_through_sampler_and_decoder_is_exact(
    tiny_copy: TinyCopy, loss_networks: LossNetworks, name: str, mode: Mode
) -> None:
    double = name != "sana-600m"  # its attention casts to float32 inside
    dtype = torch.float64 if double else torch.float32
    with pipelines_in_double() if double else contextlib.nullcontext():
        model = loaded(tiny_copy, loss_networks, name)
    if double:
        in_double(model)
    sampler = sampler_for(model, Settings(mode=mode, sampling_steps=4))
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(1, 3, model.size, model.size, generator=generator, dtype=dtype) * 2 - 1
    with torch.no_grad():
        z = model.encode(image)
        code = None if z is None else z.to(dtype)
    state = model.encode_latents(image)
    x_T, noises = encode(model.network, sampler, state, code, generator, iterations=1)
    direction = torch.randn(image.shape, generator=generator, dtype=dtype)
    loss = model.on_latents(lambda picture: (picture * direction).flatten(1).mean(1))
    wrt = ("noises" if mode == "sde" else "x_T", *(() if z is None else ("z",)))
    found, truth = (
        method.value_and_grad(model.network, sampler, x_T, code, loss, noises, wrt=wrt)
        for method in (DiscreteAdjoint(), Unrolled())
    )
    for variable in wrt:
        exact = truth.grads[variable]
        assert exact.abs().max() > 0, variable
        torch.testing.assert_close(
            found.grads[variable], exact, rtol=1e-8 if double else 1e-3, atol=float(exact.abs().max()) * (
                1e-9 if double else 1e-4
            )
        )  # fmt: skip


@pytest.mark.parametrize("name", ["sd-1.5", "sana-600m", "dit-imagenet"])
def test_guidance_extrapolates_from_the_negative_prompt(
    tiny_copy: TinyCopy, loss_networks: LossNetworks, name: str
) -> None:
    plain, guided = (loaded(tiny_copy, loss_networks, name, guidance=scale, negative="dark") for scale in (1.0, 3.0))
    x = torch.randn(1, *plain.state_shape, generator=torch.Generator().manual_seed(0))
    image = torch.zeros(1, 3, plain.size, plain.size)
    t, z = torch.tensor([500]), plain.encode(image)
    with torch.no_grad():
        if name == "dit-imagenet":
            assert not isinstance(plain.network, ClassifierFreeGuidance)
            assert isinstance(guided.network, ClassifierFreeGuidance)
            away = bare(guided.network)(t, x, guided.network.negative)
        else:
            dark = loaded(tiny_copy, loss_networks, name, guidance=1.0, prompt="dark")
            away = dark.network(t, x, dark.encode(image))
        expected = away + 3 * (plain.network(t, x, z) - away)
        torch.testing.assert_close(guided.network(t, x, z), expected, rtol=1e-4, atol=1e-4)


def test_saving_memory_does_not_change_the_gradient(tiny_copy: TinyCopy, loss_networks: LossNetworks) -> None:
    pytest.importorskip("transformers")
    grads = []
    low_memory = Placement(CPU, checkpointing=True, batched=False)
    for placement in (Placement(CPU), low_memory, dataclasses.replace(low_memory, sliced=True)):
        with pipelines_in_double():
            model = load(str(tiny_copy("sd-1.5")), placement=placement, loss_networks=loss_networks)
        in_double(model)
        sampler = sampler_for(model, Settings(mode="ode", sampling_steps=4))
        x_T = torch.randn(1, *model.state_shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        z = model.encode(torch.zeros(1, 3, SIZE, SIZE, dtype=torch.float64))
        loss = model.on_latents(lambda picture: picture.square().flatten(1).mean(1))
        grads.append(DiscreteAdjoint().value_and_grad(model.network, sampler, x_T, z, loss, wrt=("x_T", "z")).grads)
    for name, expected in grads[0].items():
        for found in grads[1:]:
            torch.testing.assert_close(found[name], expected, rtol=1e-9, atol=1e-12)


def test_half_precision_is_close_to_full_precision(tiny_copy: TinyCopy, loss_networks: LossNetworks) -> None:
    whole, half = (
        load(str(tiny_copy("ldm-celebahq")), placement=Placement(CPU, half=half), loss_networks=loss_networks)
        for half in (False, True)
    )
    x, t = torch.randn(1, *whole.state_shape), torch.tensor([500])
    expected = whole.network(t, x, None)
    found = half.network(t, x, None)
    assert found.dtype == torch.float32
    assert float((found - expected).norm() / expected.norm()) < 0.03


@pytest.mark.parametrize("flag", ["auto", "full"])
def test_full_precision_is_an_option(
    tiny_copy: TinyCopy, loss_networks: LossNetworks, monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    parser = ArgumentParser()
    add_flags(parser)
    options = options_of(parser.parse_args(["--precision", flag]))
    monkeypatch.setattr("studio.models.loading.load.plan", lambda *_: Placement(CPU, half=True))
    model = load(str(tiny_copy("ldm-celebahq")), device=CPU, options=options, loss_networks=loss_networks)
    assert isinstance(model.network, HalfPrecision) == (flag == "auto")


def test_a_pipeline_that_is_refused_in_half_precision_is_loaded_in_full(
    tiny_copy: TinyCopy, loss_networks: LossNetworks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("transformers")
    tried: list[torch.dtype] = []
    monkeypatch.setattr("adjointdeis.pipelines.verify.HALF", -1.0)  # what overflows differs by more than any tolerance
    monkeypatch.setattr(
        "studio.models.loading.load.load_pipeline",
        lambda folder, dtype: (tried.append(dtype), load_pipeline(folder, dtype))[1],
    )
    folder = str(tiny_copy("sd-1.5"))
    model = load(folder, placement=Placement(CPU, half=True), loss_networks=loss_networks)
    assert tried == [torch.bfloat16, torch.float32]
    assert isinstance(model.network, PromptNetwork)
    assert "is loaded in full precision: " in caplog.text
    assert "differs from what StableDiffusionPipeline computes" in caplog.text


@pytest.mark.parametrize("name", ["ddpm-celebahq", "sd-1.5", "sana-600m"])
def test_a_compiled_denoiser_gives_the_same_gradient(
    tiny_copy: TinyCopy, loss_networks: LossNetworks, name: str
) -> None:
    plain, compiled = (loaded(tiny_copy, loss_networks, name) for _ in range(2))
    assert compile_denoiser(compiled, "aot_eager") == ""
    grads = []
    for model in (plain, compiled):
        x = torch.randn(1, *model.state_shape, generator=torch.Generator().manual_seed(0), requires_grad=True)
        z = model.encode(torch.zeros(1, 3, model.size, model.size))
        grads.append(torch.autograd.grad(model.network(torch.tensor([300]), x, z).square().sum(), x)[0])
    torch.testing.assert_close(*grads, rtol=1e-3, atol=1e-4)
    torch.compiler.set_stance("default")


def test_the_schedule_runs_from_pure_noise_to_the_image(tiny_copy: TinyCopy, loss_networks: LossNetworks) -> None:
    for name in ("sd-1.5", "ddpm-celebahq", "sana-600m"):
        model = loaded(tiny_copy, loss_networks, name)
        scheduler = model.scheduler()
        scheduler.set_timesteps(10)
        assert float(scheduler.timesteps[0]) >= 999
        assert Sampler.from_scheduler(scheduler, sde=False, order=1).grid.sigma[-1] == 0


def test_the_preview_has_the_size_of_the_image(tiny_copy: TinyCopy, loss_networks: LossNetworks) -> None:
    model = loaded(tiny_copy, loss_networks, "sd-1.5")
    assert model.preview is not None
    assert model.preview_latents(torch.zeros(1, *model.state_shape)).shape == (1, 3, SIZE, SIZE)


def test_a_folder_of_pickles_is_refused_with_a_cure(
    tiny_copy: TinyCopy, loss_networks: LossNetworks, tmp_path: Path
) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    for path in tiny_copy("ddpm-celebahq").glob("*.json"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "diffusion_pytorch_model.bin").write_bytes(b"a pickle")
    with pytest.raises(UserError, match=r"no weights as \.safetensors: python -m studio\.models convert"):
        load(str(folder), placement=Placement(CPU), loss_networks=loss_networks)


def test_weights_of_another_architecture_are_refused(
    tiny_copy: TinyCopy, loss_networks: LossNetworks, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for path in tiny_copy("ddpm-celebahq").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    config = (folder / "config.json").read_text().replace("16\n", "24\n")
    (folder / "config.json").write_text(config)
    with pytest.raises(UserError, match=r"do not fit their config\.json"):
        load(str(folder), placement=Placement(CPU), loss_networks=loss_networks)


def test_different_weights_have_different_fingerprints(tiny_copy: TinyCopy, loss_networks: LossNetworks) -> None:
    first, again = (loaded(tiny_copy, loss_networks, "ddpm-celebahq").digest for _ in range(2))
    assert first == again != loaded(tiny_copy, loss_networks, "ldm-celebahq").digest


def test_sampling_gives_the_encoded_latent_back(tiny_copy: TinyCopy, loss_networks: LossNetworks) -> None:
    model = loaded(tiny_copy, loss_networks, "ldm-celebahq")
    sampler = sampler_for(model, Settings(sampling_steps=5))
    state = model.encode_latents(torch.rand(1, 3, SIZE, SIZE) * 2 - 1)
    x_T, noises = encode(model.network, sampler, state, None, torch.Generator().manual_seed(0))
    *_, again = sample(model.network, sampler, x_T, None, noises)
    torch.testing.assert_close(again, state, rtol=1e-4, atol=1e-4)


def test_old_attention_names_and_half_precision_files_are_loaded(
    tiny_copy: TinyCopy, loss_networks: LossNetworks, tmp_path: Path
) -> None:
    """Models from before 2023 call to_q "query"; some folders hold nothing but float16."""
    folder = tmp_path / "old"
    shutil.copytree(tiny_copy("ldm-celebahq"), folder)
    old = {"to_q.": "query.", "to_k.": "key.", "to_v.": "value.", "to_out.0.": "proj_attn."}
    renamed = 0
    for path in list(folder.rglob("*.safetensors")):
        tensors = {}
        for name, value in load_file(path).items():
            then = functools.reduce(lambda text, pair: text.replace(*pair), old.items(), name)
            renamed += then != name
            tensors[then] = value.half()
        save_file(tensors, path.with_name("diffusion_pytorch_model.fp16.safetensors"), metadata={"format": "pt"})
        path.unlink()
    assert renamed > 8
    first, again = (
        load(str(f), placement=Placement(CPU), loss_networks=loss_networks) for f in (tiny_copy("ldm-celebahq"), folder)
    )
    x, t = torch.randn(1, 3, 8, 8), torch.tensor([500])
    torch.testing.assert_close(again.network(t, x, None), first.network(t, x, None), rtol=0.02, atol=0.02)


def test_a_model_of_the_hub_has_a_source_and_a_folder_has_none(
    tiny_copy: TinyCopy, loss_networks: LossNetworks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = load(str(tiny_copy("ddpm-celebahq")), placement=Placement(CPU), loss_networks=loss_networks).origin
    assert (plain.source, plain.revision, plain.licence) == ("", "", "your own")
    cache = tmp_path / "snapshots" / ("c0" * 20)
    shutil.copytree(tiny_copy("ddpm-celebahq"), cache)
    monkeypatch.setattr("studio.models.loading.load.model_folder", lambda entry, offline: cache)
    fetched = load("ddpm-celebahq", placement=Placement(CPU), loss_networks=loss_networks).origin
    entry = ENTRIES["ddpm-celebahq"]
    assert fetched == Origin(entry.licence, "none, so only the noise is steered", entry.repo, "c0" * 20)


def test_missing_weights_are_refused(tiny_copy: TinyCopy, loss_networks: LossNetworks, tmp_path: Path) -> None:
    folder = tmp_path / "holes"
    shutil.copytree(tiny_copy("ddpm-celebahq"), folder)
    path = folder / "diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    del tensors["conv_out.bias"]
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"do not fit their config\.json"):
        load(str(folder), placement=Placement(CPU), loss_networks=loss_networks)
