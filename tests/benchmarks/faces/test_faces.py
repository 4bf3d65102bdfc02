import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from benchmarks import faceres
from benchmarks.faces import portraits, rates, views, wide
from benchmarks.faces.spectrum import AXES, POWER, Spectrum, scheduler
from losses.faces import Square

SIDE = 8


def covariance(power):
    """Of the pictures whose power by frequency this is: the circulant matrix of its inverse transform."""
    eye = torch.eye(SIDE * SIDE).view(-1, SIDE, SIDE)
    return torch.fft.irfft2(power * torch.fft.rfft2(eye), s=(SIDE, SIDE)).flatten(1)


def test_the_denoiser_is_that_of_a_gaussian():
    network, t = Spectrum(SIDE), torch.tensor([400])
    signal = scheduler().alphas_cumprod[400]
    x = torch.randn((1, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(0))
    # of all three channels: sum_k a_k a_k^T C_k
    whole = sum(torch.kron(torch.outer(a, a), covariance(one)) for a, one in zip(AXES, network.power, strict=True))
    noisy = signal * whole + (1 - signal) * torch.eye(3 * SIDE * SIDE)
    # the mean of the noise given the sum: sigma (alpha^2 C + sigma^2)^-1 x
    wanted = (1 - signal).sqrt() * torch.linalg.solve(noisy, x.flatten())
    assert torch.allclose(network(t, x, None).flatten(), wanted, atol=1e-5)


def test_it_expects_smooth_pictures_of_little_colour():
    power = Spectrum(SIDE).power
    assert (power[:, 0, 0] > power[:, 0, 1]).all()
    assert (power[:, 0, 1] > power[:, 0, 4]).all()
    assert power.mean(dim=(1, 2)).tolist() == pytest.approx(POWER)


def test_rates_of_people_that_are_told_apart():
    one, two = torch.tensor([0.9, 0.8, 0.85]), torch.tensor([0.1, 0.2, 0.3])
    assert rates(one, two)[2:4] == ["0.800", "0.300"]
    assert rates(one, two)[-1] == "0.0 %"


def test_views_are_five_pictures_of_one_face():
    face = torch.rand((1, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    shapes = [tuple(one.shape[2:]) for one in views(face)]
    assert shapes == [(16, 16), (16, 16), (8, 8), (16, 16), (16, 16)]
    assert wide(Square(1, 2, 10, 0.3)) == Square(1, 2, 16)


def test_the_portraits_are_two_photographs():
    pytest.importorskip("skimage", reason="the extra train is not installed")
    pytest.importorskip("matplotlib", reason="the extra train is not installed")
    for one in portraits().values():
        assert one.shape[:2] == (1, 3)
        assert min(one.shape[2:]) > 500


def test_a_network_of_the_second_package_is_the_same_in_onnx(tmp_path):
    pytest.importorskip("onnx2torch", reason="the extra onnx is not installed")
    from losses.faces.onnx_file import convert_onnx

    chance = np.random.default_rng(0)
    shapes = {"conv": (3, 3, 3, 4), "depth": (3, 3, 4, 1), "scale": (4,), "shift": (4,), "point": (1, 1, 4, 5)}
    numbers = {name: chance.normal(size=shape).astype(np.float16) for name, shape in shapes.items()}
    numbers |= {"six": np.full((), 6, np.float16), "none": np.zeros((), np.float16)}

    def node(name, op, *inputs, stride=1):
        return {
            "name": name,
            "op": op,
            "input": list(inputs),
            "attr": {"strides": {"list": {"i": [1, stride, stride, 1]}}},
        }

    nodes = [
        node("a", "Conv2D", "input_1", "conv", stride=2), node("b", "Relu", "a"), node("c", "Minimum", "b", "six"),
        node("d", "Maximum", "c", "none"), node("e", "DepthwiseConv2dNative", "d", "depth"),
        node("f", "Mul", "e", "scale"),
        node("g", "Add", "f", "shift"), node("h", "Conv2D", "g", "point"), node(faceres.OUT, "Mean", "h", "axes"),
        node("age", "Relu", faceres.OUT),
    ]  # fmt: skip
    entries = [
        {"name": name, "shape": list(value.shape), "dtype": "float32", "quantization": {"dtype": "float16"}}
        for name, value in numbers.items()
    ]
    folder = tmp_path / "models"
    folder.mkdir()
    told = {"modelTopology": {"node": nodes}, "weightsManifest": [{"weights": entries}]}
    (folder / "faceres.json").write_text(json.dumps(told))
    (folder / "faceres.bin").write_bytes(b"".join(value.tobytes() for value in numbers.values()))
    network = convert_onnx(faceres.graph(*faceres.read(tmp_path)), "faceres")
    w = {name: torch.from_numpy(value.astype(np.float32)) for name, value in numbers.items()}
    x = torch.rand((2, 3, 224, 224), generator=torch.Generator().manual_seed(0))
    h = F.conv2d(F.pad(x, (0, 1, 0, 1)), w["conv"].permute(3, 2, 0, 1), stride=2).clamp(0, 6)
    h = F.conv2d(h, w["depth"].permute(2, 3, 0, 1), padding=1, groups=4)
    h = h * w["scale"].view(-1, 1, 1) + w["shift"].view(-1, 1, 1)
    wanted = F.conv2d(h, w["point"].permute(3, 2, 0, 1)).mean(dim=(2, 3))
    assert torch.allclose(network(x), wanted, atol=1e-3)
