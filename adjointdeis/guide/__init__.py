"""The optimisation loop: gradient, step, sample again.

`loop.guide` is the entry. May import the sampler modules and `gradients`.
"""

from adjointdeis.guide.counted_model import CountedModel
from adjointdeis.guide.loop import Frame, guide
from adjointdeis.guide.optimizers import OptimizerFactory
from adjointdeis.guide.step_options import StepRules
from adjointdeis.guide.stopping import StopRules

__all__ = ["CountedModel", "Frame", "OptimizerFactory", "StepRules", "StopRules", "guide"]
