"""Convert a second face network, for evaluation: `python -m benchmarks.faces.faceres PACKAGE OUT.onnx`

    faceres: a MobileNet (Howard et al. 2017) by Savchenko (2019, doi 10.7717/peerj-cs.197), a face of 224 x 224 -> 1024

It was trained on other images for another task than dlib's network, so it can evaluate steering through dlib's network.
The package is under MIT but states no licence for the weights, so they are not part of this repository. PACKAGE is the
folder of the unpacked npm package @vladmandic/human. OUT.json is written beside OUT.onnx; the pair is a network for the
studio's option --held-out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SIZE, OUT = 224, "global_pooling/Mean"
Numbers = Mapping[str, npt.NDArray[np.float32]]
# The thresholds lie between the similarities of different people and of views of one image, as in benchmarks.faces.
# Their names are those of the JSON format; no false match rate was measured.
INPUT_FORMAT = {
    **{"size": SIZE, "colour": "rgb", "mean": 0, "scale": 1, "margin": 0.15},
    "thresholds": {"fmr_1_percent": 0.55, "fmr_0.1_percent": 0.65},
}


def read(package: Path) -> tuple[list[dict[str, Any]], Numbers]:
    """Nodes of the graph in order, and its weights by name."""
    description = json.loads((package / "models" / "faceres.json").read_text(encoding="utf-8"))
    stored, at, numbers = (package / "models" / "faceres.bin").read_bytes(), 0, {}
    for entry in description["weightsManifest"][0]["weights"]:
        kind = np.dtype(entry.get("quantization", {}).get("dtype", entry["dtype"])).newbyteorder("<")
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(stored, kind, count, at)
        numbers[entry["name"]] = values.reshape(entry["shape"]).astype(np.float32)
        at += count * kind.itemsize
    nodes = [node for node in description["modelTopology"]["node"] if node["op"] not in ("Const", "Placeholder")]
    return nodes, numbers


def graph(nodes: list[dict[str, Any]], numbers: Numbers) -> Any:
    """The ModelProto of the graph up to the embedding, with channels first."""
    from onnx import TensorProto, helper, numpy_helper

    made, kept = [], {}
    for node in nodes:
        name, op, inputs = node["name"], node["op"], list(node["input"])
        extra: dict[str, Any] = {}
        if op in ("Conv2D", "DepthwiseConv2dNative"):
            kernel = numbers[inputs[1]]
            kept[inputs[1]] = kernel.transpose((3, 2, 0, 1) if op == "Conv2D" else (2, 3, 0, 1))
            stride, side = int(node["attr"]["strides"]["list"]["i"][1]), kernel.shape[0]
            before = 0 if stride == 2 else side // 2  # "SAME" on even sides
            extra = {"strides": [stride] * 2, "pads": [before] * 2 + [side // 2] * 2}
            extra["group"] = 1 if op == "Conv2D" else kernel.shape[2]
            op = "Conv"
        elif op in ("Add", "Mul"):
            kept[inputs[1]] = numbers[inputs[1]].reshape(1, -1, 1, 1)
        elif op in ("Minimum", "Maximum"):
            kept[inputs[1]] = numbers[inputs[1]]
            op = {"Minimum": "Min", "Maximum": "Max"}[op]
        elif op == "Mean":
            op, inputs, extra = "ReduceMean", inputs[:1], {"axes": [2, 3], "keepdims": 0}
        made.append(helper.make_node(op, inputs, [name], **extra))
        if name == OUT:
            break
    shapes: dict[str, list[str | int | None]] = {"input_1": ["b", 3, SIZE, SIZE], OUT: ["b", 1024]}
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    stored = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in kept.items()]
    whole = helper.make_graph(made, "faceres", ends[:1], ends[1:], stored)
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def main(package: Path, out: Path) -> None:
    """Write OUT.onnx and OUT.json."""
    out.write_bytes(graph(*read(package)).SerializeToString())
    out.with_suffix(".json").write_text(json.dumps(INPUT_FORMAT, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
