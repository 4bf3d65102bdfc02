"""What the About tab says: the paper, its equations in words, the model's measured figures, citation, privacy.

The figures are the tables that `python -m clay.evaluation.card` wrote into the model card; none is typed here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from studio.models.embedded import WEIGHTS

CARD = WEIGHTS / "README.md"
PAPER = """## What this is

The studio shows a paper at work: **AdjointDEIS: Efficient Gradients for Diffusion Models** (Zander W. Blasingame and
Chen Liu, NeurIPS 2024, [2405.15020](https://arxiv.org/abs/2405.15020)). A diffusion model makes a picture from noise
in many small steps. The paper asks how the *picture* changes when the *noise*, or the condition that all steps share,
changes a little, so that one can walk towards whatever can be measured on pictures: a sentence, a person, another
picture.

## How it works, in words

**1. Encode.** The picture is taken back to the noise it would come from. The SDE way (Cycle-SDE, [2210.05559](https://arxiv.org/abs/2210.05559))
draws a path from noise to the picture and solves each step for the noise it must have been given. Sampling with these
noises returns the picture, to the last bit of every colour; each run measures this.

**2. Sample.** Each step mixes the state, the network's estimate and fresh noise with fixed weights:

$$x_{i+1} = A_i\\,x_i + \\sum_j B_{ij}\\,m_{i-j} + D_i\\,w_i$$

The weights are a table that is known before sampling starts; one table serves sampling, encoding and gradient.

**3. Differentiate.** A loss says how far the picture is from the wish. How it changes with the noise follows by going
the same steps backwards. There are two ways:

- *Discretise, then optimise*: the exact gradient of the steps that were made, by the transposed table. It is the
  default here, and what the authors recommend today.
- *Optimise, then discretise*: the paper's adjoint equation, solved by its own exponential integrators, AdjointDEIS-1
  and -2M. Its key insight is that the adjoint equation has the same simple form as the sampler's, so the linear part is
  solved exactly; and that the SDE needs no solver of its own, only a factor of two.

$$a_x(s) = \\frac{\\alpha_t}{\\alpha_s}\\,a_x(t) + \\sigma_s\\,(e^{h}-1)\\,\\frac{\\alpha_t^2}{\\alpha_s^2}\\,
a_x(t)^{\\!\\top}\\,\\frac{\\partial\\,\\epsilon_\\theta}{\\partial x}(x_t, z, t)$$

In words: the sensitivity at the noisier time s is the one at the cleaner time t, scaled, plus one product with the
network's Jacobian. The Compare tab shows how far this is from the exact gradient, and what each way costs.

**4. Walk.** Noise and code z move a little down the gradient, the picture is sampled again, and so on. What you watch
is the sample after every such update; the best one is kept.
"""
PRIVACY = """## Privacy

Pictures are worked on where this program runs and are sent nowhere else. No accounts, no analytics, no telemetry, no
history of runs; whoever else is here sees only how many runs come before theirs.

| what | for how long |
|---|---|
| pictures you upload or save | ten minutes after you close the page, or after a program's last call |
| settings, results and runs of this visit | the same; sooner if very many people are here |
| a failure, as a line in the log of whoever runs this | as long as they keep logs; no picture is in it |

Whatever is left is deleted when the program ends, or, if it was killed, when it starts again.

Saved pictures and films say in their metadata that they are AI-edited (IPTC's digital source type in XMP, and a
sentence); a label in the corner says it to the eye and can be switched on or off before saving. They carry the settings
and measurements of their run unless you switch that off; never the input's own metadata, place or name. A picture of a
real person is that person's: ask before you upload one.
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

The studio, its renderer of clay faces and its weights are under the MIT licence.
"""
_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "autoencoder": "Diffusion autoencoder",
        "classes": "Attributes that CLIP and the attribute reader can read",
        "identity": "Face embedders",
        "steering": "Steering, on people that no network was trained on",
    }
)


def figures(card: Path = CARD) -> str:
    """The measured tables of a model card, as Markdown; a sentence where there is no card."""
    if not card.is_file():
        return "## The model\n\nThis model came without a model card."
    found = re.findall(r"<!-- (\w+) -->\n(.*?)<!-- /\1 -->", card.read_text(encoding="utf-8"), re.DOTALL)
    parts = [f"### {_TITLES[name]}\n\n{_headed(content.strip())}" for name, content in found if name in _TITLES]
    head = (
        "## The model, measured\n\nSmall networks that know nothing but rendered clay faces, trained by this project; "
        "every figure is on people that none of them has seen. The whole card is `assets/clay/README.md`."
    )
    return "\n\n".join([head, *parts])


def _headed(table: str) -> str:
    """A table whose header is empty takes its first row as header, which a screen reader needs."""
    lines = table.splitlines()
    if len(lines) > 2 and not lines[0].replace("|", "").strip():
        lines = [lines[2], lines[1], *lines[3:]]
    return "\n".join(lines)
