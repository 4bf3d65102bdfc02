import os
import pickle
from collections.abc import Callable
from pathlib import Path

import diffusers
import huggingface_hub
import pytest
import torch

from studio.core.errors import UserError
from studio.models.loading.convert import convert, read_safely
from studio.models.networks.diffae.convert import write_folder
from studio.models.networks.diffae.network import DiffusionAutoencoder
from tests.tiny_models.make import tiny_diffae


class Callback:
    """An object in a checkpoint that is no weight."""

    def __init__(self) -> None:
        self.best = {"loss": 0.1}


class Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch '{self.marker}'",)


def lightning(**more: object) -> dict[str, object]:
    torch.manual_seed(0)
    network = tiny_diffae()
    state = {f"{kind}.{name}": value for kind in ("model", "ema_model") for name, value in network.state_dict().items()}
    state["x_T"] = torch.zeros(1)
    state["ema_model.latent_net.layers.0.weight"] = torch.zeros(2, 2)
    return {"state_dict": state, "epoch": 3, "callbacks": {"checkpoint": Callback()}, **more}


def config_of(network: DiffusionAutoencoder) -> dict[str, object]:
    return {key: value for key, value in network.config.items() if not key.startswith("_")}


@pytest.mark.slow
def test_the_averaged_weights_become_a_folder_that_loads(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    torch.save(lightning(), path)
    folder = write_folder(read_safely(path), tmp_path / "made", **config_of(tiny_diffae()))
    found = DiffusionAutoencoder.from_pretrained(folder, use_safetensors=True)
    torch.manual_seed(0)
    expected = tiny_diffae().state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in found.state_dict().items())


def test_classes_in_a_checkpoint_are_read_as_placeholders(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    torch.save(lightning(), path)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)
    callback = read_safely(path)["callbacks"]["checkpoint"]
    assert not isinstance(callback, Callback)
    assert not hasattr(callback, "best")


def test_code_in_a_pickle_does_not_run(tmp_path: Path) -> None:
    path, marker = tmp_path / "last.ckpt", tmp_path / "ran"
    torch.save(lightning(trap=Trap(marker)), path)
    with pytest.raises(UserError, match="cannot be read as weights only"):
        read_safely(path)
    assert not marker.exists()
    torch.load(path, weights_only=False)  # runs the command
    assert marker.exists()


def test_another_architecture_is_refused_by_the_first_difference(tmp_path: Path) -> None:
    checkpoint, wider = lightning(), {**config_of(tiny_diffae()), "channels": 32}
    with pytest.raises(UserError, match=r"input_blocks\.0\.0\.weight is \(8, 3, 3, 3\) in it and \(32, 3, 3, 3\) here"):
        write_folder(checkpoint, tmp_path, **wider)
    state = checkpoint["state_dict"]
    assert isinstance(state, dict)
    config = config_of(tiny_diffae())
    state["ema_model.more"] = torch.zeros(1)
    with pytest.raises(UserError, match="more has no place here"):
        write_folder(checkpoint, tmp_path, **config)
    del state["ema_model.more"], state["ema_model.out.2.bias"]
    with pytest.raises(UserError, match=r"out\.2\.bias is missing in it"):
        write_folder(checkpoint, tmp_path, **config)


def test_a_bin_of_diffusers_becomes_safetensors_beside_it(tiny_copy: Callable[[str], Path], tmp_path: Path) -> None:
    unet = diffusers.UNet2DModel.from_pretrained(tiny_copy("ddpm-celebahq"))
    unet.save_config(tmp_path)
    old = tmp_path / "diffusion_pytorch_model.bin"
    torch.save(unet.state_dict(), old)
    assert convert(str(old)) == tmp_path / "diffusion_pytorch_model.safetensors"
    old.unlink()
    again = diffusers.UNet2DModel.from_pretrained(tmp_path, use_safetensors=True)
    assert all(torch.equal(value, unet.state_dict()[name]) for name, value in again.state_dict().items())


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.bin", b"not a pickle", "cannot be read as weights"),
        ("a.bin", [torch.zeros(1)], "holds no weights by name"),
        ("a.bin", {"epoch": 1}, "holds no weights by name"),
        ("a.ckpt", {"state_dict": {"model.x": torch.zeros(1)}}, "holds no averaged weights"),
        ("b.ckpt", None, "There is no file b.ckpt"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, name: str, content: object, sentence: str) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(UserError, match=sentence):
        convert(str(path), tmp_path / "out")


def test_a_ckpt_needs_an_output_folder(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    path.write_bytes(b"")
    with pytest.raises(UserError, match="Give an output folder"):
        convert(str(path))


def test_a_model_published_as_a_pickle_is_downloaded_and_converted(
    tiny_copy: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unet = diffusers.UNet2DModel.from_pretrained(tiny_copy("ddpm-celebahq"))

    def publish(repo: str, *, allow_patterns: list[str], local_dir: Path, **_: object) -> None:
        assert not any("safetensors" in pattern for pattern in allow_patterns)
        unet.save_config(local_dir)
        torch.save(unet.state_dict(), local_dir / "diffusion_pytorch_model.bin")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", publish)
    folder = convert("ddpm-cat", tmp_path / "cats")
    assert not list(folder.glob("*.bin"))
    assert diffusers.UNet2DModel.from_pretrained(folder, use_safetensors=True).config.sample_size == 16
    with pytest.raises(UserError, match="convert ddpm-cat FOLDER"):
        convert("ddpm-cat")
    with pytest.raises(UserError, match="not on the hub"):
        convert("diffae-ffhq", tmp_path)
