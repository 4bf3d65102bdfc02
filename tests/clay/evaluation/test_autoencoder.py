import pytest
import torch

from clay.evaluation.autoencoder import measure_autoencoder, measure_samples, measure_speed
from clay.evaluation.similarity import features, frechet_distance
from clay.networks.attribute_classifier import AttributeClassifier
from clay.networks.code_denoiser import CodeDenoiser
from clay.networks.heads import AttributeHeads
from clay.networks.identity import IdentityEmbedder
from clay.networks.images import to_unit
from clay.networks.sampling import few_times
from clay.people.attributes import PALETTE
from clay.world import EMBEDDERS, load_world


@pytest.fixture(scope="module")
def world(autoencoder, tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("world")
    autoencoder.save_folder(folder / "diffusion")
    for name in EMBEDDERS:
        limits = {"fmr_1_percent": -1.0, "fmr_0.1_percent": 1.0}
        IdentityEmbedder((8, 8, 16, 16), thresholds=limits).save_folder(folder / name)
    AttributeClassifier((8, 8, 16, 16)).save_folder(folder / "attributes")
    AttributeClassifier((8, 8, 16, 16), attributes=PALETTE).save_folder(folder / "colours")
    AttributeHeads().save_folder(folder / "heads")
    CodeDenoiser(width=16).save_folder(folder / "code_denoiser")
    (folder / "clip").mkdir()
    return load_world(folder)


@pytest.fixture
def two_steps(monkeypatch):
    monkeypatch.setattr("clay.evaluation.autoencoder._STEPS", 2)


@pytest.mark.usefixtures("two_steps")
def test_the_autoencoder_is_measured_in_four_ways(world):
    images = torch.randint(256, (2, 3, 64, 64), dtype=torch.uint8)
    measures = measure_autoencoder(world, images)
    assert measures["pictures"] == 2
    assert measures["from_z_and_x_T"]["psnr_db"] > measures["from_z_and_fresh_x_T"]["psnr_db"]
    assert measures["from_z_and_fresh_x_T_in_few_steps"] != measures["from_z_and_fresh_x_T"]
    assert set(measures["accepted_as_the_person"]) == set(EMBEDDERS)


@pytest.mark.usefixtures("two_steps")
@pytest.mark.slow
def test_samples_of_an_untrained_network_have_a_larger_frechet_distance_than_renders(world):
    rendered = torch.randint(100, 140, (40, 3, 1, 1), dtype=torch.uint8).expand(-1, -1, 64, 64)
    measures = measure_samples(world, rendered[:20])
    found = features(world.attributes, to_unit(rendered))
    assert measures["samples"] == 20
    for distance in ("frechet_distance", "frechet_distance_in_few_steps"):
        assert 0 <= frechet_distance(found[:20], found[20:]) < measures[distance]


def test_few_steps_use_the_grid_of_the_demo(world):
    assert few_times(world.autoencoder, 4).tolist() == [999, 749, 500, 250, 0]


@pytest.mark.usefixtures("two_steps")
def test_the_speed_is_measured_and_the_number_of_threads_restored(world):
    before = torch.get_num_threads()
    assert measure_speed(world.autoencoder, repeats=1)["ddim_20_batch_1_seconds"] > 0
    assert torch.get_num_threads() == before
