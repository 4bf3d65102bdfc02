"""torch's optimizers by name, and how to build one over the variables at their rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

Value = TypeVar("Value")
OptimizerFactory = Callable[[list[dict[str, Any]]], torch.optim.Optimizer]
"""Parameter groups, each with its "lr" -> optimizer."""


def _lbfgs(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    rates = {group["lr"] for group in groups}
    if len(rates) > 1:
        raise ValueError(f"L-BFGS takes one rate for all variables; got {sorted(rates)}. Pass lr as one number.")
    # one iteration an update, so that each is a frame; update.py brings the loss to order one, and torch's own
    # tolerances, which are absolute, are switched off
    return torch.optim.LBFGS(
        [p for group in groups for p in group["params"]],
        lr=rates.pop(),
        max_iter=1,
        max_eval=12,  # torch's own limit, 5 / 4 of max_iter, would be too few for the line search
        history_size=10,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    )


# Adam's eps must be far below every gradient: that of x_T is often 1e-7 an entry, and with the usual 1e-8 the step
# would depend on the scale of the loss.
OPTIMIZERS: dict[str, OptimizerFactory] = {
    "adam": lambda groups: torch.optim.Adam(groups, eps=1e-16),
    "adamw": lambda groups: torch.optim.AdamW(groups, eps=1e-16),
    "lbfgs": _lbfgs,
    "sgd": torch.optim.SGD,
}


def by_name(values: Mapping[str, Value], name: str) -> Value | None:
    """The value of a variable: its own, or for a tensor of a structured z, "z.pooled", that of "z"."""
    return values.get(name, values.get(name.partition(".")[0]))


class Recipe:
    """How to build the optimizer over variables, as often as needed.

    Args:
        optimizer: a name, or a function of the parameter groups.
        lr: one rate > 0 for all variables, or one by name.

    Raises:
        ValueError: an unknown name.
    """

    def __init__(self, optimizer: str | OptimizerFactory, lr: float | Mapping[str, float]) -> None:
        if isinstance(optimizer, str):
            if optimizer not in OPTIMIZERS:
                raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, or a function; got {optimizer!r}.")
            optimizer = OPTIMIZERS[optimizer]
        self._factory, self._lr = optimizer, lr

    def build(self, variables: Mapping[str, Tensor], share: float = 1.0) -> torch.optim.Optimizer:
        """A fresh optimizer at a share of the rates.

        Raises:
            ValueError: a rate is missing, or not above 0.
        """
        groups = []
        for name, v in variables.items():
            rate = by_name(self._lr, name) if isinstance(self._lr, Mapping) else self._lr
            if rate is None or not rate > 0:
                raise ValueError(f"lr must be above 0 for every variable; got {rate} for {name}.")
            groups.append({"params": [v], "lr": share * float(rate)})
        return self._factory(groups)
