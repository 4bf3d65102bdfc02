import pytest
import torch

from clay.networks.clip import prepare
from clay.world import DEFAULT_FOLDER, load_world

shipped = pytest.mark.skipif(not (DEFAULT_FOLDER / "diffusion").is_dir(), reason="weights not trained yet")


@shipped
def test_the_shipped_world_loads_frozen_and_its_parts_fit_together():
    world = load_world()
    image = torch.rand(1, 3, 64, 64) * 2 - 1
    z = world.autoencoder.encode(image)
    assert world.autoencoder(torch.tensor([10]), image, z).shape == image.shape
    assert (
        world.clip.encode_text(world.tokenizer(["a face"])).shape
        == world.clip.encode_image(prepare(image, world.clip)).shape
    )
    assert world.identity(image).shape == world.held_out["convolutional"](image).shape
    assert world.reader.read(image)["hat"] in (["hat"], ["no hat"])
    assert len(world.scheduler.sigmas) > 0
    assert world.code_denoiser(z).shape == z.shape
    networks = world.autoencoder, world.clip, world.attributes, world.heads, world.code_denoiser
    for network in (*networks, *world.embedders.values()):
        assert not network.training
        assert not any(p.requires_grad for p in network.parameters())


@shipped
def test_the_embedders_have_different_backbones():
    kinds = [network.config["kind"] for network in load_world().embedders.values()]
    assert len(set(kinds)) == len(kinds) == 3


def imported_by(name, found):
    """Names of the modules of this package that importing `name` imports, itself included."""
    if name in found:
        return found
    found.add(name)
    source = (DEFAULT_FOLDER.parents[1] / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")
    for line in source.splitlines():
        if line.startswith("from clay."):
            imported_by(line.split()[1], found)
    return found


def test_the_world_imports_nothing_of_the_renderer():
    modules = imported_by("clay.world", set())
    assert "clay.networks.autoencoder" in modules
    assert not modules & {
        "clay.rendering.compiled",
        "clay.rendering.primitives",
        "clay.rendering.scene",
        "clay.rendering.render",
    }


def test_a_missing_part_is_named(tmp_path):
    (tmp_path / "diffusion").mkdir()
    parts = "clip, identity, convolutional, transformer, attributes, colours, heads, code_denoiser"
    with pytest.raises(FileNotFoundError, match=f"{parts} is missing"):
        load_world(tmp_path)
