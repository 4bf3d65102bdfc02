"""How much time does it save to process z once per gradient instead of in every step? `python -m
benchmarks.precomputed`

The embedded model with the sampler of the Quick preset, one thread. Both variants compute the same gradient
alternately, so that other load on the machine affects both; the result is the median of the ratios of neighbours.
"""

from __future__ import annotations

import argparse
import statistics
from time import perf_counter

import torch

from adjointdeis import DiscreteAdjoint, GradientMethod, Precomputed, encode, prepared
from benchmarks.gaussian_mixture import relative_error
from losses import Closeness
from studio.core.presets import PRESETS
from studio.core.settings import Settings
from studio.models.embedded import embedded
from studio.runs.sampling import sampler_for


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20, help="gradients of each variant")
    parser.add_argument("--batch", type=int, default=1, help="number of images")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = embedded()
    assert model.prepare is not None
    sampler = sampler_for(model, Settings.model_validate(PRESETS["Quick"]))
    image = torch.rand(options.batch, 3, model.size, model.size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    z = model.encode(image)
    assert z is not None
    x_T, noises = encode(model.network, sampler, image, prepared(model.prepare, z), torch.Generator().manual_seed(1))
    loss = Closeness(image.flip(-1))
    for graphs in (0, sampler.steps):
        plain = DiscreteAdjoint(graphs=graphs)
        variants: dict[str, GradientMethod] = {"every step": plain, "once": Precomputed(model.prepare, plain)}
        seconds: dict[str, list[float]] = {name: [] for name in variants}
        grads = {}
        for _ in range(options.repeats):
            for name, method in variants.items():
                began = perf_counter()
                grads[name] = method.value_and_grad(model.network, sampler, x_T, z, loss, noises, ("noises", "z")).grads
                seconds[name].append(perf_counter() - began)
        ratio = statistics.median(a / b for a, b in zip(*seconds.values(), strict=True))
        off = max(float(relative_error(grads["once"][k], grads["every step"][k])) for k in grads["once"])
        print(
            f"{graphs} graphs kept: {ratio:.2f} times as fast, {statistics.median(seconds['once']):.3f} s/gradient; "
            f"the gradients differ by {off:.0e}"
        )


if __name__ == "__main__":
    main()
