import json
import math
import random

import pytest
import torch
from torch import nn

pytest.importorskip("onnx2torch", reason="the extra onnx is not installed")
import onnx
from onnx import TensorProto, helper, numpy_helper

from losses import Identity
from losses.faces import Square
from losses.faces.align import template
from losses.faces.onnx_network import OnnxInput, OnnxRecognition, load_onnx_network, read_input
from losses.faces.warp import cut
from tests.losses.faces.networks import SIZE, small, write

THRESHOLDS = {"fmr_1_percent": 0.3, "fmr_0.1_percent": 0.5}


@pytest.fixture
def faces():
    return torch.rand((2, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(3)) * 2 - 1


def with_json(path, **values):
    path.with_suffix(".json").write_text(json.dumps(values))
    return path


@pytest.mark.parametrize("opset", [11, 13, 17])
def test_it_gives_the_embeddings_of_the_exported_network(tmp_path, faces, opset):
    source = small()
    network = load_onnx_network(write(source, tmp_path / "net.onnx", opset)).recognition
    assert (network(faces) - source(faces)).abs().max() < 1e-5


def test_colours_mean_and_scale_are_those_of_its_json(tmp_path, faces):
    source = small()
    path = with_json(write(source, tmp_path / "net.onnx"), colour="bgr", mean=10, scale=0.02, thresholds=THRESHOLDS)
    network = load_onnx_network(path)
    expected = source((((faces + 1) * 127.5 - 10) * 0.02)[:, [2, 1, 0]])
    assert (network.recognition(faces) - expected).abs().max() < 1e-4
    assert network.thresholds == THRESHOLDS


@pytest.mark.slow
def test_the_gradient_of_a_loss_is_its_slope(tmp_path, face, other):
    network = load_onnx_network(write(small(), tmp_path / "net.onnx")).double()
    grain = 0.02 * torch.randn(face.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    x = (face.double() + grain).requires_grad_()
    loss = Identity(network, other.double(), seen_by=network.at(x.detach()))
    (grad,) = torch.autograd.grad(loss(x).sum(), x)
    along = torch.randn(x.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        slope = (loss(x + 1e-6 * along) - loss(x - 1e-6 * along)).item() / 2e-6
    assert (grad * along).sum().item() == pytest.approx(slope, rel=1e-5)
    assert not any(p.requires_grad for p in network.parameters())


def test_an_export_with_batch_size_1_accepts_several_faces(tmp_path, faces):
    source = small()

    of_one = small(last=nn.Sequential(nn.Flatten(0), nn.Unflatten(0, (1, -1))))
    network = load_onnx_network(write(of_one, tmp_path / "net.onnx", batch=False)).recognition
    assert network.one_by_one
    assert (network(faces) - source(faces)).abs().max() < 1e-5
    assert not load_onnx_network(write(source, tmp_path / "open.onnx")).recognition.one_by_one
    assert not load_onnx_network(write(source, tmp_path / "fixed.onnx", batch=False)).recognition.one_by_one


def test_shared_weights_behind_an_identity_are_found(tmp_path, faces):
    path = write(small(), tmp_path / "net.onnx")
    model = onnx.load(path)
    numbers = model.graph.initializer[0].name
    model.graph.node.insert(0, helper.make_node("Identity", [numbers], ["shared"]))
    user = next(node for node in model.graph.node[1:] if numbers in node.input)
    user.input[list(user.input).index(numbers)] = "shared"
    onnx.save(model, path)
    assert (load_onnx_network(path).recognition(faces) - small()(faces)).abs().max() < 1e-5


def with_numbers(path, operator_set, *nodes, ends="out", **initialisers):
    """A file of a graph "face" -> "out" of these nodes."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, ["b", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info(ends, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value.numpy(), name) for name, value in initialisers.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", operator_set)]), path)
    return path


def test_later_operator_sets_are_converted(tmp_path, faces):
    weight = torch.randn((8, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(0))
    path = with_numbers(
        tmp_path / "net.onnx", 18, helper.make_node("Conv", ["face", "weight"], ["map"]),
        helper.make_node("Flatten", ["map"], ["out"]), weight=weight,
    )  # fmt: skip
    found = load_onnx_network(path).recognition(faces)
    assert torch.allclose(found, nn.functional.conv2d(faces, weight).flatten(1), rtol=1e-3, atol=1e-2)


def test_the_message_for_an_operator_set_that_cannot_be_converted_gives_the_export_options(tmp_path):
    path = with_numbers(
        tmp_path / "net.onnx", 18, helper.make_node("CenterCropPad", ["face", "shape"], ["map"], axes=[2, 3]),
        helper.make_node("Flatten", ["map"], ["out"]), shape=torch.tensor([4, 4]),
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"operator set 18, .* export it again with opset_version=17"):
        load_onnx_network(path)


def test_an_unknown_operator_is_named(tmp_path):
    path = with_numbers(
        tmp_path / "net.onnx", 17, helper.make_node("Hardmax", ["face"], ["map"]),
        helper.make_node("Flatten", ["map"], ["out"]),
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"net.onnx uses the operator Hardmax, which onnx2torch does not support"):
        load_onnx_network(path)


class Rounded(nn.Module):
    def forward(self, x):
        return (4 * x).round()


class Signed(nn.Module):
    def forward(self, x):
        return torch.sqrt(x * 0) + x


@pytest.mark.parametrize(
    ("last", "message"),
    [(Rounded(), "wrong gradient.*no gradient passes through Round"), (Signed(), "a gradient that is not finite")],
)
def test_a_network_without_a_usable_gradient_is_refused(tmp_path, last, message):
    with pytest.raises(ValueError, match=message):
        load_onnx_network(write(small(last=last), tmp_path / "net.onnx"))


def test_external_weights_must_be_in_the_folder_of_the_file(tmp_path, faces):
    folder = tmp_path / "folder"
    folder.mkdir()
    path = write(small(), tmp_path / "whole.onnx")
    onnx.save(onnx.load(path), folder / "net.onnx", save_as_external_data=True, location="net.bin", size_threshold=0)
    assert (load_onnx_network(folder / "net.onnx").recognition(faces) - small()(faces)).abs().max() < 1e-5
    model = onnx.load(folder / "net.onnx", load_external_data=False)
    for location in ("../net.bin", str(tmp_path / "net.bin")):
        for tensor in model.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == "location":
                    entry.value = location
        (tmp_path / "net.bin").write_bytes((folder / "net.bin").read_bytes())
        (folder / "net.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(ValueError, match="from outside its own folder"):
            load_onnx_network(folder / "net.onnx")
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "net.bin").symlink_to(tmp_path / "net.bin")
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "net.bin"
    (tmp_path / "link" / "net.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match="from outside its own folder"):
        load_onnx_network(tmp_path / "link" / "net.onnx")


@pytest.mark.parametrize("written", [b"\xff\xfe no graph", b""])
def test_other_files_are_refused(tmp_path, written):
    (tmp_path / "net.onnx").write_bytes(written)
    with pytest.raises(ValueError, match=r"net\.onnx"):
        load_onnx_network(tmp_path / "net.onnx")
    with pytest.raises(FileNotFoundError, match=r"no file other\.onnx"):
        load_onnx_network(tmp_path / "other.onnx")


def test_a_damaged_file_raises_a_documented_exception(tmp_path):
    whole = write(small(), tmp_path / "net.onnx").read_bytes()
    rng, refused = random.Random(0), 0
    for _ in range(40):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[rng.randrange(3000)] = rng.randrange(256)
        (tmp_path / "net.onnx").write_bytes(damaged)
        try:
            load_onnx_network(tmp_path / "net.onnx")
        except (ValueError, FileNotFoundError):
            refused += 1
    assert refused > 20


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"colour": "grey"}, "colour must be rgb or bgr"),
        ({"mean": "much"}, "mean must be a number from 0 to 255"),
        ({"scale": 0}, "scale must be a number"),
        ({"thresholds": {"fmr_1_percent": 0.3}}, "thresholds must have the names"),
        ({"thresholds": {"fmr_1_percent": 0.3, "fmr_0.1_percent": 3}}, "similarities from -1 to 1"),
        ({"size": 112}, "gives size 112, but net.onnx takes 48"),
        ({"weights": "x"}, "an object of the keys size, colour"),
    ],
)
def test_each_rule_of_the_json_file_has_a_message(tmp_path, values, message):
    with pytest.raises(ValueError, match=message):
        read_input(with_json(tmp_path / "net.onnx", **values), SIZE)


def test_an_open_size_is_that_of_the_json_file_or_112(tmp_path):
    assert read_input(tmp_path / "net.onnx", None).size == 112
    assert read_input(with_json(tmp_path / "net.onnx", size=160), None).size == 160


def points_at(*places):
    """68 points whose eyes, nose and mouth lie at five places; the rest does not matter."""
    points = torch.zeros(68, 2)
    for part, place in zip((slice(36, 42), slice(42, 48), 30, 48, 54), places, strict=True):
        points[part] = torch.tensor(place)
    return points


TEMPLATE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))


def test_a_face_aligned_to_the_template_is_not_changed():
    found = template(points_at(*TEMPLATE))
    assert (found.x, found.y, found.side) == pytest.approx((56, 56, 112), abs=1e-3)
    assert found.turn == pytest.approx(0, abs=1e-5)
    image = torch.rand((1, 3, 112, 112), generator=torch.Generator().manual_seed(0))
    assert (cut(image, [found], 112) - image).abs().max() < 1e-3


@pytest.mark.parametrize("turn", [-0.5, 0.2, 1.0])
def test_a_rotated_and_larger_face_is_aligned(turn):
    expected = Square(200.0, 130.0, 300.0, turn)
    found = template(points_at(*(expected.at(x / 112, y / 112) for x, y in TEMPLATE)))
    assert (found.x, found.y, found.side, found.turn) == pytest.approx((200, 130, 300, turn), abs=1e-2)
    assert math.isfinite(found.side)


def test_a_margin_enlarges_the_crop(tmp_path):
    points = points_at(*TEMPLATE)
    wide = OnnxRecognition(nn.Flatten(), OnnxInput(margin=0.25))
    assert wide.place(points).side == pytest.approx(1.5 * template(points).side)
