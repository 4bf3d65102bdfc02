import pytest
import torch

from clay.evaluation.measure import set_thresholds
from clay.networks.identity import IdentityEmbedder
from clay.people.dataset import VALIDATION


@pytest.mark.slow
def test_thresholds_of_the_validation_people_are_stored_with_the_embedder(tmp_path):
    torch.manual_seed(0)
    IdentityEmbedder((8, 8, 16, 16)).save_folder(tmp_path)
    images = torch.randint(256, (len(VALIDATION), 3, 8, 8), dtype=torch.uint8)
    set_thresholds(tmp_path, images)
    thresholds = IdentityEmbedder.from_folder(tmp_path, "cpu", torch.float32).thresholds
    assert 0 < thresholds["fmr_1_percent"] < thresholds["fmr_0.1_percent"] < 1
