"""Gradients through diffusion samplers.

    from adjointdeis import DiscreteAdjoint, Sampler, encode, guide

    scheduler.set_timesteps(20)
    sampler = Sampler.from_scheduler(scheduler, sde=True, final="sigma_min")
    x_T, noises = encode(model, sampler, image, z)                # a sample from these is the image
    for frame in guide(model, sampler, x_T, z, loss_fn, noises=noises, wrt=("noises", "z")):
        show(frame.image)

Reading order, which is also the order of imports:

    what a sampler is     shapes, schedule, denoiser, guidance, precision, tables, schedulers, sampler
    sampling              sample, encode
    diffusers             probe, pipelines/ (any pipeline as network, sampler and conditioning)
    gradients/            network_parameters, vjp, problem, loss, nan_tracer, base; checkpointing, memory, discrete,
                          unrolled, subgrid; adjoint_grid, trajectory, continuous; reversible, off_the_shelf,
                          precomputed
    audit                 any gradient method against the exact one
    guide/                counted_model, objective, optimizers, stopping, norm_prior, variables, step_options,
                          evaluation, update, loop
    paper                 the two published functions

docs/theory.md derives what they compute.

Notation, the same everywhere, in the code and in the docstrings:

| name | symbol | meaning | shape |
|---|---|---|---|
| x, x_t, x_T | x_t, x_T | state at time t; the starting state | (b, *x) |
| x0_hat, eps_hat | | the network's estimates of image and noise | (b, *x) |
| alpha_t, sigma_t | alpha, sigma | x_t = alpha_t x_0 + sigma_t eps | scalars |
| log_snr | lambda_t | log(alpha_t / sigma_t), rises towards the image | scalar |
| rho | rho_t | sigma_t / alpha_t, falls towards the image | scalar |
| s, t | | a step's ends: s the NOISIER, t the CLEANER, also in the adjoint | |
| h | h | lambda_t - lambda_s > 0 in samplers; lambda_s - lambda_t < 0 in the adjoint | scalar |
| z | z | conditioning, any shape, one a step if Scheduled, or None | |
| noises, w | w_i | injected noise of step i (SDE) | (N, b, *x) |
| A, B, D, P, Q | | a row of the sampler's table (sampler.py) | scalars |
| g, G | g_i, G_i | dL/dx_i, dL/dm_i | (b, *x) |
| a_x, a_z | a_x(t) | the continuous adjoint, dL/dx_t, dL/dz | (b, *x) |
| theta | theta | the network's parameters | |
"""

from adjointdeis.audit import Audit, audit
from adjointdeis.denoiser import Denoiser, Prediction
from adjointdeis.encode import Encoding, encode, encode_steps
from adjointdeis.gradients.base import GradientMethod, LossAndGradients, NotFinite, UnsuitedSampler
from adjointdeis.gradients.continuous import ContinuousAdjoint
from adjointdeis.gradients.discrete import DiscreteAdjoint
from adjointdeis.gradients.network_parameters import WithParameters
from adjointdeis.gradients.off_the_shelf import OffTheShelf
from adjointdeis.gradients.precomputed import Precomputed, prepared
from adjointdeis.gradients.reversible import Reversible
from adjointdeis.gradients.subgrid import SubgridAdjoint
from adjointdeis.gradients.unrolled import Unrolled
from adjointdeis.guidance import ClassifierFreeGuidance
from adjointdeis.guide import (
    CountedModel,
    Frame,
    Frames,
    OptimizerFactory,
    StepOptions,
    StepRules,
    StopOptions,
    StopRules,
    guide,
)
from adjointdeis.paper import adjointDEIS, encode_cycle_sde
from adjointdeis.precision import HalfPrecision
from adjointdeis.sample import sample
from adjointdeis.sampler import Row, Sampler
from adjointdeis.schedule import Grid, LinearVP
from adjointdeis.schedulers import grid_from_scheduler, time_from_scheduler
from adjointdeis.shapes import Scheduled

__all__ = [
    "Audit",
    "ClassifierFreeGuidance",
    "ContinuousAdjoint",
    "CountedModel",
    "Denoiser",
    "DiscreteAdjoint",
    "Encoding",
    "Frame",
    "Frames",
    "GradientMethod",
    "Grid",
    "HalfPrecision",
    "LinearVP",
    "LossAndGradients",
    "NotFinite",
    "OffTheShelf",
    "OptimizerFactory",
    "Precomputed",
    "Prediction",
    "Reversible",
    "Row",
    "Sampler",
    "Scheduled",
    "StepOptions",
    "StepRules",
    "StopOptions",
    "StopRules",
    "SubgridAdjoint",
    "Unrolled",
    "UnsuitedSampler",
    "WithParameters",
    "adjointDEIS",
    "audit",
    "encode",
    "encode_cycle_sde",
    "encode_steps",
    "grid_from_scheduler",
    "guide",
    "prepared",
    "sample",
    "time_from_scheduler",
]
