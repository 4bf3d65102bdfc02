"""The methods of each table, and the order in which they are run: on few pairs first, then on more.

The published settings: encoding with 250 steps, N = M = 20, 50 updates of gradient descent with one learning rate for
x_T and z; the rate of the best row of table 1 is .1 (table 6).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.morphing.methods import PLAIN_INVERSION, Kind, Method
from studio.core.presets import PRESETS
from studio.core.settings import parse

ROUNDS = (5, 10, 20, 50, 100, 200)


def _one_rate(rate: float) -> dict[str, float]:
    return {"x_T": rate, "z": rate}


_PUBLISHED = Method("", encoding=PLAIN_INVERSION, iterations=1, gradient="adjoint_1", updates=50, rates=_one_rate(0.1))
_PUBLISHED_SDE = replace(_PUBLISHED, sde=True, encoding=0)


def _published(name: str, **changed: Any) -> Method:
    base = _PUBLISHED_SDE if changed.get("sde") else _PUBLISHED
    return replace(base, name=name, **changed)


def _sampled(name: str, kind: Kind, steps: int, **changed: Any) -> Method:
    plain = Method(name, kind, encoding=PLAIN_INVERSION, iterations=1, steps=steps)
    return replace(plain, **changed)


def _page(name: str, preset: str, plain: bool = False) -> Method:
    settings = parse({**PRESETS[preset], "loss": "morph"})
    steps, updates = settings.sampling_steps, settings.optimisation_steps
    sde, page = settings.mode == "sde", settings.model_dump(mode="json")
    return Method(name, "page", steps=steps, updates=updates, sde=sde, page=page, plain=plain)


ODE, SECOND, SDE = "AdjointDEIS-1, ODE", "AdjointDEIS-2M, ODE", "AdjointDEIS-1, SDE"
EXACT, EXACT_SDE = "discretise, then optimise, ODE", "discretise, then optimise, SDE"
AVERAGE, DIM, FAST, PIPE, GREEDY = "pixel average", "DiM", "Fast-DiM", "Morph-PIPE", "Greedy-DiM"
CONTROL = "first face (control)"

# Table 1, and further methods
METHODS = (
    Method(CONTROL, kind="first"),
    Method(AVERAGE, kind="average"),
    _sampled(DIM, "sample", 100),
    _sampled(FAST, "sample", 50, order=2, family="data"),
    _sampled(GREEDY, "greedy", 20, updates=50, rates={"eps": 0.01}),
    _published(ODE),
    _published(EXACT, gradient="discrete"),
    _published(SECOND, gradient="adjoint_2", order=2),
    _published(SDE, sde=True),
    _published(EXACT_SDE, sde=True, gradient="discrete"),
    _sampled(PIPE, "search", 100, blends=21),
)
# Tables 4, 5 and 6, appendix F.3
COARSE = (
    *(_published(f"AdjointDEIS-1, M = {m}", adjoint_steps=m) for m in (15, 10, 5)),
    *(_published(f"coarse exact gradient, M = {m}", gradient="subgrid", adjoint_steps=m) for m in (15, 10, 5)),
)
RATES = (
    _published("AdjointDEIS-1, rate 1", rates=_one_rate(1.0)),
    _published("AdjointDEIS-1, rate .01", rates=_one_rate(0.01)),
)
PATHS = (_published("AdjointDEIS-1, states solved again", gradient="resolved_1"),)
STEPS = (
    _published("AdjointDEIS-1, ODE, N = 50", steps=50),
    _published("AdjointDEIS-1, SDE, N = 50", sde=True, steps=50),
)

_SHORT = Method("", steps=8, updates=24, optimizer="adam", rates={"x_T": 0.005, "z": 0.02}, iterations=3)
_SHORT_SDE = replace(_SHORT, sde=True, family="data", rates={"noises": 0.005, "z": 0.02})
_NORMED: dict[str, Any] = {"optimizer": "sgd", "normalize": True}
_GREEDY: dict[str, Any] = {"kind": "greedy", "steps": 20, "updates": 50, "rates": {"eps": 0.01}}
OURS = "exact gradient, SDE, from the pictures' mean"
BALANCED = "Balanced, as on the page"
# At most a fifth of the published network calls: 8 sampling steps, Adam, unless the name differs
EFFICIENT = (
    _page(BALANCED, "Balanced"),
    replace(_SHORT_SDE, name="exact gradient, SDE"),
    replace(_SHORT_SDE, name=OURS, start="average"),
    replace(_SHORT_SDE, name="exact gradient, SDE, loss through 3 more views", views=3),
    replace(_SHORT_SDE, name="exact gradient, SDE, normalised", rates={"noises": 1.0, "z": 0.15}, **_NORMED),
    replace(_SHORT, name="exact gradient, ODE"),
    replace(_SHORT, name="exact gradient, ODE, z alone", rates={"z": 0.02}),
    replace(_SHORT, name="exact gradient, ODE, plain descent", optimizer="sgd", rates=_one_rate(1.0)),
    replace(_SHORT, name="exact gradient, ODE, L-BFGS", optimizer="lbfgs", rates=_one_rate(1.0), updates=2),
    replace(_SHORT, name="exact gradient, ODE, drafted at 5 steps", draft=(5, 20), steps=10, updates=8),
    replace(_SHORT, name="exact gradient, ODE, reversible", gradient="reversible", updates=12),
    replace(_SHORT_SDE, name="Greedy-DiM, SDE, from the pictures' mean", start="average", **_GREEDY),
)

# The studio's loss (also `BALANCED`) beside eq. 5.1 alone, with the same updates
OBJECTIVE = (
    _page("Quick, eq. 5.1 alone", "Quick", plain=True),
    _page("Quick, as on the page", "Quick"),
    _page("Balanced, eq. 5.1 alone", "Balanced", plain=True),
)

EXPERIMENTS: dict[str, tuple[Method, ...]] = {
    "methods": METHODS,
    "efficiency": EFFICIENT,
    "coarse": COARSE,
    "rates": RATES,
    "paths": PATHS,
    "steps": STEPS,
    "objective": OBJECTIVE,
}


def every_method() -> dict[str, Method]:
    """All methods by name, in the order of the experiments."""
    return {method.name: method for methods in EXPERIMENTS.values() for method in methods}


def plan(chosen: list[Method], pairs: int, least: int = 1) -> Iterator[tuple[Method, int]]:
    """Each method with its number of pairs, in the order in which they are run.

    In each round the methods of table 1 and ours come before the ablations, which are not in the first round. In each
    group methods with fewer network calls come first, so that an interrupted plan has most rows of its tables.

    Args:
        chosen: the methods.
        pairs: number of pairs in the last round.
        least: smallest number of pairs in a round.
    """
    main = sorted((m for m in chosen if m in METHODS + EFFICIENT), key=Method.expected_calls)
    ablations = sorted((m for m in chosen if m not in main), key=Method.expected_calls)
    for size in [size for size in ROUNDS if least <= size < pairs] + [pairs]:
        yield from ((method, size) for method in main)
        if size > ROUNDS[0] or size == pairs:
            yield from ((method, size) for method in ablations)
