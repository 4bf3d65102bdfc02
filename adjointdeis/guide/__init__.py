"""The optimisation loop: take the gradient, update the variables, sample again.

`loop.guide` is the entry, `Frame` what it yields. `variables` holds the moving tensors, `evaluation` their loss and
gradient, `update` makes one update, `step_options`, `optimizers` and `norm_prior` shape it, `stopping` ends it.
May import the sampler modules of `adjointdeis` and `gradients`, not `audit` or `paper`.
"""

from adjointdeis.guide.counted_model import CountedModel
from adjointdeis.guide.loop import Frame, Frames, guide
from adjointdeis.guide.optimizers import OptimizerFactory
from adjointdeis.guide.selection import BestUnderGoal
from adjointdeis.guide.step_options import StepOptions, StepRules
from adjointdeis.guide.stopping import StopOptions, StopRules

__all__ = [
    "BestUnderGoal",
    "CountedModel",
    "Frame",
    "Frames",
    "OptimizerFactory",
    "StepOptions",
    "StepRules",
    "StopOptions",
    "StopRules",
    "guide",
]
