import pytest
import torch

from losses.faces import load_face_network, load_finder, load_recognition


def test_double_precision_is_the_same_network(network, exact):
    x = torch.rand(1, 3, 150, 150) * 2 - 1
    assert (network.recognition(x) - exact.recognition(x.double())).abs().max() < 1e-5


def test_parts_load_alone():
    assert {p.dtype for p in load_finder().parameters()} == {torch.float32}
    assert not load_recognition().fc.weight.requires_grad


def test_a_folder_without_networks_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"recognition holds no face network: config\.json is missing"):
        load_face_network(tmp_path)
