"""Convert an ONNX file to a torch module by onnx2torch.

An ONNX file holds a graph of operators and its weights, and no executable code. Weights may be in other files, which
the graph names; they must be in the folder of the ONNX file. Before the conversion, the graph is changed:

    operator sets above 17    converted to 17 by onnx, where possible
    Identity                  removed, because onnx2torch does not find shared initialisers behind it
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import nn

OPSET = 17
_NEEDS = "a face network in ONNX needs two more packages: pip install onnx onnx2torch"
# operators without a gradient: piecewise constant, or of integers
_FLAT = frozenset(
    {"ArgMax", "ArgMin", "Cast", "Ceil", "DynamicQuantizeLinear", "Equal", "Floor", "Greater", "Less", "NonZero"}
    | {"QuantizeLinear", "Round", "Sign"}
)


def read_onnx(path: Path) -> Any:
    """The ModelProto of a file, with its external weights loaded.

    Raises:
        ImportError: onnx or onnx2torch is not installed.
        FileNotFoundError: the file, or a file with its weights, does not exist.
        ValueError: it is not an ONNX file, or it names weights outside of its folder.
    """
    try:
        import onnx
        import onnx2torch  # noqa: F401 - used later; a missing package is reported here
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise ImportError(_NEEDS) from error
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path.name}")
    try:
        model = onnx.load(str(path), load_external_data=False)
    except DecodeError as error:
        raise ValueError(f"{path.name} is not an ONNX file, or is damaged") from error
    folder = path.resolve().parent
    for tensor in _tensors(model.graph):
        for entry in tensor.external_data:
            if entry.key == "location":
                _check_inside(folder, entry.value, path.name)
    onnx.load_external_data_for_model(model, str(folder))
    return model


def convert_onnx(model: Any, name: str) -> nn.Module:
    """The torch module of a ModelProto, in eval mode.

    Args:
        model: the ModelProto; its graph is changed.
        name: name of the file, for error messages.

    Raises:
        ValueError: an operator or operator set cannot be converted, or the graph has not exactly one input.
    """
    import onnx2torch
    from onnx import version_converter

    if opset(model) > OPSET:
        try:
            model = version_converter.convert_version(model, OPSET)
        except (version_converter.ConvertError, RuntimeError) as error:
            raise ValueError(
                f"{name} uses operator set {opset(model)}, which cannot be converted to {OPSET}: export it again "
                f"with opset_version={OPSET}, from torch with dynamo=False"
            ) from error
    _without_identity(model.graph)
    numbers = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in numbers]
    if len(inputs) != 1:
        raise ValueError(f"{name} has {len(inputs)} inputs; a face network has one")
    _check_known(model, name)
    try:
        return onnx2torch.convert(model).float().eval()  # type: ignore[no-any-return]
    except Exception as error:  # a damaged graph can cause any exception
        raise ValueError(f"{name} cannot be converted to torch: {_line(error)}") from error


def input_size(model: Any) -> int | None:
    """The side of the graph's input images in pixels; None if the graph leaves it open.

    Raises:
        ValueError: the input's shape is not (b, 3, side, side).
    """
    numbers = {tensor.name for tensor in model.graph.initializer}
    first = next((value for value in model.graph.input if value.name not in numbers), None)
    shape = [dim.dim_value for dim in first.type.tensor_type.shape.dim] if first is not None else []
    if len(shape) != 4 or shape[1] not in (0, 3) or shape[2] != shape[3]:
        raise ValueError(f"its input must have shape (b, 3, side, side); got {shape}, where 0 is an open size")
    return shape[2] or None


def opset(model: Any) -> int:
    """The version of ONNX's operator set that a model uses."""
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def flat_operators(model: Any) -> list[str]:
    """Names of the model's operators without a gradient, sorted."""
    return sorted({node.op_type for node in model.graph.node} & _FLAT)


def _check_inside(folder: Path, location: str, name: str) -> None:
    place = (folder / location).resolve()
    if not place.is_relative_to(folder):
        raise ValueError(f"{name} names weights from outside its own folder, which is not allowed: move them beside it")
    if not place.is_file():
        raise FileNotFoundError(f"the weights of {name} are in {place.name}, which is missing: put it beside {name}")


def _check_known(model: Any, name: str) -> None:
    from onnx2torch.node_converters import get_converter

    versions = {entry.domain.replace("ai.onnx", ""): entry.version for entry in model.opset_import}
    for node in model.graph.node:
        domain = node.domain.replace("ai.onnx", "")
        try:
            get_converter(node.op_type, versions.get(domain, 1), domain)
        except (NotImplementedError, TypeError) as error:  # TypeError: the name is not a string
            which = f"{domain}.{node.op_type}" if domain else node.op_type
            raise ValueError(f"{name} uses the operator {which}, which onnx2torch does not support") from error


def _without_identity(graph: Any) -> None:
    """Replace each use of an Identity's output by its input; an Identity that gives an output of the graph stays."""
    kept = {value.name for value in graph.output}
    same: dict[str, str] = {}
    for node in list(graph.node):
        for k, used in enumerate(node.input):
            node.input[k] = same.get(used, used)
        if node.op_type == "Identity" and node.output[0] not in kept:
            same[node.output[0]] = node.input[0]
            graph.node.remove(node)


def _tensors(graph: Any) -> Iterator[Any]:
    """All tensors of a graph and of the graphs in its operators' attributes."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.initializer:
                    yield from _tensors(inner)


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
