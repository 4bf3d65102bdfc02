import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from benchmarks.faces import faceres


def test_the_converted_network_gives_the_same_embeddings(tmp_path):
    pytest.importorskip("onnx2torch", reason="the extra onnx is not installed")
    from losses.faces.onnx_file import convert_onnx

    rng = np.random.default_rng(0)
    shapes = {"conv": (3, 3, 3, 4), "depth": (3, 3, 4, 1), "scale": (4,), "shift": (4,), "point": (1, 1, 4, 5)}
    numbers = {name: rng.normal(size=shape).astype(np.float16) for name, shape in shapes.items()}
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
    description = {"modelTopology": {"node": nodes}, "weightsManifest": [{"weights": entries}]}
    (folder / "faceres.json").write_text(json.dumps(description))
    (folder / "faceres.bin").write_bytes(b"".join(value.tobytes() for value in numbers.values()))
    network = convert_onnx(faceres.graph(*faceres.read(tmp_path)), "faceres")
    w = {name: torch.from_numpy(value.astype(np.float32)) for name, value in numbers.items()}
    x = torch.rand((2, 3, 224, 224), generator=torch.Generator().manual_seed(0))
    h = F.conv2d(F.pad(x, (0, 1, 0, 1)), w["conv"].permute(3, 2, 0, 1), stride=2).clamp(0, 6)
    h = F.conv2d(h, w["depth"].permute(2, 3, 0, 1), padding=1, groups=4)
    h = h * w["scale"].view(-1, 1, 1) + w["shift"].view(-1, 1, 1)
    expected = F.conv2d(h, w["point"].permute(3, 2, 0, 1)).mean(dim=(2, 3))
    assert torch.allclose(network(x), expected, atol=1e-3)
