"""z, the conditioning: a tensor, a structure of tensors, or None.

A structure is a dict, tuple or list, also nested: text embeddings, pooled embeddings, masks, images of a ControlNet.
Its floating-point tensors are differentiated and optimised. All else in it (masks, class labels, lists of ids) reaches
the network unchanged and has no gradient.

    z = {"embeds": (b, l, d), "pooled": (b, d), "mask": bool (b, l)}        named(z) has "z.embeds" and "z.pooled"
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor
from torch.utils import _pytree as pytree

from adjointdeis.shapes import Conditioning, Scheduled


def is_differentiable(value: Any) -> bool:
    """Whether an entry is a tensor of real floating-point numbers."""
    return isinstance(value, Tensor) and value.is_floating_point()


def structure(z: Conditioning) -> Any:
    """z without its mark, if it is scheduled."""
    return z.z if isinstance(z, Scheduled) else z


def leaves(z: Conditioning) -> list[Tensor]:
    """The floating-point tensors of z, in order; none where z is None."""
    inner = structure(z)
    if isinstance(inner, Tensor):
        return [inner] if is_differentiable(inner) else []
    return [leaf for leaf in pytree.tree_leaves(inner) if is_differentiable(leaf)]


def named(z: Conditioning) -> dict[str, Tensor]:
    """`leaves` by name: "z" for z itself, "z.pooled" for z["pooled"], "z.0" for z[0], "z.text.0" for z["text"][0]."""
    inner = structure(z)
    if isinstance(inner, Tensor):
        return {"z": inner} if is_differentiable(inner) else {}
    paths, _ = pytree.tree_flatten_with_path(inner)
    return {".".join(["z", *map(_key, path)]): value for path, value in paths if is_differentiable(value)}


def replaced(z: Conditioning, values: Sequence[Any]) -> Any:
    """z with its floating-point tensors replaced, in order, by `values`."""
    if isinstance(z, Scheduled):
        return Scheduled(replaced(z.z, values))
    if is_differentiable(z):
        return values[0]
    rest = iter(values)
    return pytree.tree_map(lambda leaf: next(rest) if is_differentiable(leaf) else leaf, z)


def gradients(z: Conditioning, grads: Sequence[Tensor]) -> Any:
    """`grads` in the structure of z, with None for an entry that has no gradient."""
    inner = structure(z)
    if is_differentiable(inner):
        return grads[0]
    rest = iter(grads)
    return pytree.tree_map(lambda leaf: next(rest) if is_differentiable(leaf) else None, inner)


def map_tensors(function: Callable[..., Tensor], z: Any, *others: Any) -> Any:
    """A function applied to each tensor of z, whatever its type, and to those at the same place in other structures."""
    if isinstance(z, Tensor):
        return function(z, *others)
    return pytree.tree_map(lambda v, *rest: function(v, *rest) if isinstance(v, Tensor) else v, z, *others)


def like(z: Conditioning, other: Conditioning) -> Any:
    """`other` in the dtypes, on the devices and in the batch size of z.

    Raises:
        ValueError: it has another structure, or a tensor of another shape than z's or (1, ...).
    """

    def fit(v: Tensor, w: Any) -> Tensor:
        if not isinstance(w, Tensor) or w.shape[1:] != v.shape[1:] or len(w) not in (1, len(v)):
            shape = tuple(w.shape) if isinstance(w, Tensor) else type(w).__name__
            raise ValueError(
                f"The negative conditioning must have the shape of z, {tuple(v.shape)}, or (1, ...); got {shape}."
            )
        return w.to(v).expand_as(v)

    if pytree.tree_structure(z) != pytree.tree_structure(other):
        raise ValueError(f"The negative conditioning must have the structure of z, {_kind(z)}; got {_kind(other)}.")
    return map_tensors(fit, z, other)


def _kind(z: Any) -> str:
    """What z is, in a few words."""
    return f"a dict of {', '.join(map(str, z))}" if isinstance(z, dict) else f"a {type(z).__name__}"


def z_at(z: Conditioning, i: int) -> Any:
    """The conditioning of step i."""
    return map_tensors(lambda v: v[i], z.z) if isinstance(z, Scheduled) else z


def check_z(z: Conditioning, steps: int) -> None:
    """Raises ValueError for a scheduled z whose tensors have not one entry a step, or a z that holds no tensor."""
    if z is None or isinstance(z, Tensor):
        return
    tensors = [leaf for leaf in pytree.tree_leaves(structure(z)) if isinstance(leaf, Tensor)]
    if not tensors:
        raise ValueError(
            f"z must be a tensor, a dict, tuple or list of tensors, or None; got a {type(structure(z)).__name__} "
            "without tensors."
        )
    if isinstance(z, Scheduled):
        for v in tensors:
            if v.dim() == 0 or len(v) != steps:
                length = len(v) if v.dim() else 1
                raise ValueError(
                    f"A scheduled conditioning needs one z a step, {steps} in all; got {length}. Stack them on the "
                    "first axis: Scheduled(torch.stack([z_0, z_1, ...]))."
                )


def check_has_gradient(z: Conditioning) -> None:
    """Raises ValueError for a z without any floating-point tensor, where its gradient is requested."""
    if z is not None and not leaves(z):
        kinds = sorted({str(leaf.dtype) for leaf in pytree.tree_leaves(structure(z)) if isinstance(leaf, Tensor)})
        raise ValueError(
            f"z holds {', '.join(kinds)} alone, which has no gradient; leave 'z' out of wrt, or pass the "
            "embedding that the network computes from it."
        )


def _key(step: Any) -> str:
    """The key, index or attribute of one step of a path."""
    return str(getattr(step, "key", getattr(step, "idx", getattr(step, "name", step))))
