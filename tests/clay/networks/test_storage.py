import pytest
import torch

from clay.networks.storage import read_network, save_network


def test_weights_are_stored_in_half_precision_beside_their_configuration(tmp_path):
    network = torch.nn.BatchNorm1d(3)
    save_network(network, {"size": 3}, tmp_path / "new")
    config, weights = read_network(tmp_path / "new", "network")
    assert config == {"size": 3}
    assert weights["running_var"].dtype == torch.float16
    assert weights["num_batches_tracked"].dtype == torch.int64


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(tmp_path, name):
    save_network(torch.nn.Linear(1, 1), {}, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"holds no spoon: {name} is missing"):
        read_network(tmp_path, "spoon")
