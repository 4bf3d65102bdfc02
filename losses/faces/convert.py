"""Convert the networks of @vladmandic/face-api to safetensors: `python -m losses.faces.convert PACKAGE OUT`.

PACKAGE is the folder of the unpacked npm package. A network of the package is a manifest (a list of tensors with names
and shapes) and a .bin file with their bytes in the same order. Tensors are renamed for torch's modules and transposed
to torch's layout: filters HWIO -> OIHW, depthwise filters HWC1 -> C1HW, matrices IO -> OI. Values are not changed.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from losses.faces.network import DISTANCES, similarity_at
from losses.faces.stored import Stored, as_float32, as_levels, save_weights

NETWORKS = {
    "recognition": "face_recognition_model",
    "landmarks": "face_landmark_68_model",
    "detector": "tiny_face_detector_model",
}
VERSION = "1.7.15"
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
    for group in json.loads(manifest.read_text(encoding="utf-8")):
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
    if levels["dtype"] != "uint8":
        raise ValueError(f"{entry['name']} is stored as {levels['dtype']}; only uint8 and float32 are supported.")
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


def main() -> None:
    """Run the conversion."""
    parser = argparse.ArgumentParser(description="Convert the networks of @vladmandic/face-api to safetensors.")
    parser.add_argument("package", type=Path, help="folder of the unpacked npm package, which contains model/")
    parser.add_argument("out", type=Path, help="output folder for recognition/, landmarks/ and detector/")
    options = parser.parse_args()
    convert(options.package, options.out)


if __name__ == "__main__":
    main()
