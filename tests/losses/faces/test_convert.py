import hashlib
import json
import struct
import sys

import numpy as np
import pytest
import torch

from losses.faces import convert as converter
from losses.faces.load import DEFAULT_FOLDER
from losses.faces.person import PersonSegmenter
from losses.faces.stored import read_weights


def package(folder):
    """A package of two tensors: a quantised depthwise filter of 6 bytes, and float32 biases."""
    (folder / "model").mkdir(parents=True)
    entries = [
        {
            "name": "a/depthwise_filter",
            "shape": [1, 3, 2, 1],
            "dtype": "float32",
            "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1},
        },
        {"name": "a/bias", "shape": [2], "dtype": "float32"},
    ]
    for model in converter.NETWORKS.values():
        manifest = [{"paths": [f"{model}.bin"], "weights": entries}]
        (folder / "model" / f"{model}-weights_manifest.json").write_text(json.dumps(manifest))
        (folder / "model" / f"{model}.bin").write_bytes(bytes(range(6)) + struct.pack("<2f", 0.25, -3))
    return folder


def test_tensors_follow_each_other_in_the_file(tmp_path):
    found = dict(converter.read_manifest(package(tmp_path), "face_recognition_model"))
    assert found["a/depthwise_filter"].decoded().flatten().tolist() == [-1, -0.5, 0, 0.5, 1, 1.5]
    assert found["a/bias"].decoded().tolist() == [0.25, -3]


def test_a_converted_network_has_torchs_names_and_axes(tmp_path):
    converter.convert(package(tmp_path / "in"), tmp_path / "out")
    found = read_weights(tmp_path / "out" / "landmarks")
    assert found["a.depthwise.weight"].shape == (2, 1, 1, 3)
    assert found["a.depthwise.weight"][0].flatten().tolist() == [-1, 0, 1]
    config = json.loads((tmp_path / "out" / "recognition" / "config.json").read_text())
    assert config["thresholds"]["distance_0.6"] == pytest.approx(0.9156)


def test_names_become_those_of_modules():
    names = {"c/conv1/pointwise_filter", "c/conv1/bias", "d/conv/filters", "d/conv/bias"}
    assert converter.renamed("c/conv1/bias", names) == "c.conv1.pointwise.bias"
    assert converter.renamed("d/conv/bias", names) == "d.conv.bias"
    assert converter.renamed("d/conv/filters", names) == "d.conv.weight"
    assert converter.renamed("d/scale/biases", names) == "d.scale.bias"
    assert converter.renamed("fc", names) == "fc.weight"


def test_filters_and_matrices_are_transposed():
    filters = torch.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    assert np.array_equal(converter.laid_out("x/filters", filters).numpy(), filters.numpy().transpose(3, 2, 0, 1))
    assert converter.laid_out("fc", torch.zeros(2, 7)).shape == (7, 2)
    assert converter.laid_out("x/bias", torch.zeros(7)).shape == (7,)


def test_a_damaged_package_is_refused(tmp_path):
    folder = package(tmp_path)
    with (folder / "model" / "face_recognition_model.bin").open("ab") as file:
        file.write(b"!")
    with pytest.raises(ValueError, match="names 14 bytes of 15"):
        dict(converter.read_manifest(folder, "face_recognition_model"))


def test_another_quantisation_is_refused(tmp_path):
    folder = package(tmp_path)
    manifest = folder / "model" / "face_recognition_model-weights_manifest.json"
    manifest.write_text(manifest.read_text().replace("uint8", "uint16"))
    with pytest.raises(ValueError, match="stored as uint16"):
        dict(converter.read_manifest(folder, "face_recognition_model"))


def test_a_folder_without_the_package_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="unpack the npm package"):
        dict(converter.read_manifest(tmp_path, "face_recognition_model"))


def test_the_command_converts(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["convert", str(package(tmp_path / "in")), str(tmp_path / "out")])
    converter.main()
    assert len(list((tmp_path / "out").rglob("model.safetensors"))) == 3


def test_the_card_lists_the_hashes_of_the_weights():
    card = (DEFAULT_FOLDER / "README.md").read_text(encoding="utf-8")
    for path in DEFAULT_FOLDER.rglob("*.safetensors"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in card, path


def graph(folder, network):
    """A package with the graph of a segmentation of people: the convolutions in the order of the network."""
    layers = [one for one in network.modules() if isinstance(one, torch.nn.Conv2d | torch.nn.ConvTranspose2d)]
    nodes, entries, content, counts = [], [], b"", {"Conv2D": 0, "depthwise": 0}
    for layer in layers:
        deep = layer.weight.shape[1] == 1 and layer.groups > 1
        kind = "segment" if layer is network.segment else "depthwise" if deep else "Conv2D"
        number = counts.get(kind, 0)
        counts[kind] = number + 1 + (kind == "Conv2D" and number == 0)  # the second one has number 2
        node = kind + f"_{number}" * bool(number)
        ops = {"segment": "Conv2DBackpropInput", "depthwise": "DepthwiseConv2dNative", "Conv2D": "Conv2D"}
        bias = {
            "segment": "segment_add/y",
            "depthwise": f"depthwise_conv2d{f'_{number}' * bool(number)}/y",
            "Conv2D": f"conv2d_{number - 1}_1/y" if number else "conv2d_1/y",
        }[kind]
        axes = (2, 3, 0, 1) if deep else (2, 3, 1, 0)
        filters = node + ("/filter_in" if deep else "/filter")
        for name, values in ((filters, layer.weight.permute(axes)), (bias, layer.bias)):
            half = values.detach().half().contiguous()
            levels = {"dtype": "float16", "original_dtype": "float32"}
            entries.append({"name": name, "shape": list(half.shape), "dtype": "float32", "quantization": levels})
            content += half.numpy().tobytes()
        nodes.append({"name": node, "op": ops[kind]})
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "selfie.bin").write_bytes(content)
    manifest = [{"paths": ["selfie.bin"], "weights": entries}]
    text = json.dumps({"modelTopology": {"node": nodes}, "weightsManifest": manifest})
    (folder / "models" / "selfie.json").write_text(text)
    return folder


def test_the_segmentation_of_people_is_converted_in_the_order_of_its_layers(tmp_path, monkeypatch):
    network = PersonSegmenter()
    package = graph(tmp_path / "in", network)
    monkeypatch.setattr(sys, "argv", ["convert", str(package), str(tmp_path / "out")])
    converter.main()
    found = read_weights(tmp_path / "out" / "person")
    assert found.keys() == network.state_dict().keys()
    assert all(torch.equal(found[name], value.half().float()) for name, value in network.state_dict().items())


def test_a_graph_with_other_layers_is_refused(tmp_path):
    package = graph(tmp_path, PersonSegmenter())
    text = json.loads((package / "models" / "selfie.json").read_text())
    del text["modelTopology"]["node"][-1]
    (package / "models" / "selfie.json").write_text(json.dumps(text))
    with pytest.raises(ValueError, match="convolutions instead of"):
        converter.convert_person(package, tmp_path / "out")
