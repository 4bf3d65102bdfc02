"""Texts of the About tab: the paper and its equations, the measurements of the model, citation, privacy.

The measurements are the tables that `python -m clay.evaluation.card` writes into the model card.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from studio.models.embedded import ASSETS

PAPER = """## What this is

The studio demonstrates a paper: **AdjointDEIS: Efficient Gradients for Diffusion Models** (Zander W. Blasingame and
Chen Liu, NeurIPS 2024, [2405.15020](https://arxiv.org/abs/2405.15020)). A diffusion model makes a picture from noise in
many small steps. The paper computes the gradient of a loss on the *picture* with respect to the *noise*, and to the
condition that all steps share. With this gradient one can optimise any differentiable loss on pictures: the match with
a text, with a person, or with another picture.

## How it works

**1. Invert.** The picture is mapped to the noise that produces it. The SDE method (Cycle-SDE, [2210.05559](https://arxiv.org/abs/2210.05559))
draws a path from noise to the picture, and solves each step for the noise that was added. Sampling with these noises
returns every pixel exactly (0 of 255 levels off); each run measures this.

**2. Sample.** Each step adds the state, the network's estimates and fresh noise with fixed weights:

$$x_{i+1} = A_i\\,x_i + \\sum_j B_{ij}\\,m_{i-j} + D_i\\,w_i$$

The weights are in a table that is computed before sampling starts. Sampling, inversion and gradient use the same table.

**3. Differentiate.** A loss measures the distance between the picture and the goal. Its gradient with respect to the
noise is computed by the same steps in reverse. There are two methods:

- *Discretise, then optimise*: the exact gradient of the sampling steps, by the transposed table. It is the default, and
  what the authors recommend today.
- *Optimise, then discretise*: the paper's adjoint equation, solved by the exponential integrators AdjointDEIS-1 and
  -2M. The adjoint equation has the same simple form as the sampler's equation, so its linear part is solved exactly.
  The SDE needs no separate solver, only a factor of two.

$$a_x(s) = \\frac{\\alpha_t}{\\alpha_s}\\,a_x(t) + \\sigma_s\\,(e^{h}-1)\\,\\frac{\\alpha_t^2}{\\alpha_s^2}\\,
a_x(t)^{\\!\\top}\\,\\frac{\\partial\\,\\epsilon_\\theta}{\\partial x}(x_t, z, t)$$

In words: the gradient at the noisier time s is the gradient at the cleaner time t, scaled, plus one product with the
network's Jacobian. The Compare tab shows the error and the cost of each method.

**4. Optimise.** Noise and code z take a small step down the gradient, and the picture is sampled again, many times. The
page shows the sample after every step, and keeps the one with the lowest loss.
"""
PRIVACY = """## Privacy

Pictures are processed on this server and are sent nowhere else. There are no accounts, no analytics and no telemetry.
Other clients see only the length of the queue.

| what | kept for |
|---|---|
| pictures you upload or save | ten minutes after you close the page, or after a program's last call |
| settings, results and run history of your session | the same; less if very many sessions are open |
| failures, as lines in the server's log, without pictures | as long as the operator keeps logs |

All remaining data is deleted when the program ends, or at its next start if it was killed.

Saved pictures and videos are marked as AI-edited in their metadata (IPTC digital source type in XMP, and a sentence). A
visible label in the corner can be switched on or off before saving. Files contain the settings and measurements of
their run unless you switch that off. They never contain the metadata, the place or the name of the input. Upload a
picture of a real person only with that person's consent.
"""
CITE = """## Cite

```bibtex
@inproceedings{blasingame2024adjointdeis,
  title     = {{AdjointDEIS}: Efficient Gradients for Diffusion Models},
  author    = {Blasingame, Zander W. and Liu, Chen},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {37},
  year      = {2024},
  note      = {arXiv:2405.15020}
}
```

The studio, its renderer of clay faces and its weights have the MIT licence.
"""
_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "autoencoder": "Diffusion autoencoder",
        "classes": "Attribute accuracy of CLIP and of the attribute network",
        "identity": "Face embedders",
        "steering": "Steering, on held-out people",
    }
)
_TWO_MODELS = re.compile(r"\d %? ?/ \d")


def figures(name: str) -> str:
    """The measured tables of a model card, as Markdown; a sentence without a card.

    Args:
        name: of the folder of `assets/` with the card; "" for a model without one.
    """
    card = ASSETS / name / "README.md"
    if not name or not card.is_file():
        return "## Measurements of the model\n\nThis model has no model card."
    found = re.findall(r"<!-- (\w+) -->\n(.*?)<!-- /\1 -->", card.read_text(encoding="utf-8"), re.DOTALL)
    parts = [f"### {_TITLES[name]}\n\n{_headed(content.strip())}" for name, content in found if name in _TITLES]
    head = (
        "## Measurements of the model\n\nSmall networks, trained by this project on rendered clay faces only. All "
        f"numbers are measured on people outside the training data. The full model card is `assets/{name}/README.md`."
    )
    if any(_TWO_MODELS.search(part) for part in parts):
        head += " After a stroke: the model of 64 pixels, with its images enlarged."
    return "\n\n".join([head, *parts])


def _headed(table: str) -> str:
    """A table with an empty header gets its first row as header, for screen readers."""
    lines = table.splitlines()
    if len(lines) > 2 and not lines[0].replace("|", "").strip():
        lines = [lines[2], lines[1], *lines[3:]]
    return "\n".join(lines)
