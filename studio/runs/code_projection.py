"""`code_projection`: after each update z moves to a near code that satisfies the losses of z itself, `Objective.on_z`.

They are functions of linear maps of z, so they are solved instead of being left to gradient steps. With z = u P, P the
root of the covariance of z, so that |u| measures a step in units of the distribution of z:

    kept    u <- u - (u - u_before) A A^+,  A = P W^T          W: rows of the kept classifiers, less their mean by
                                                               attribute; the step changes no probability of theirs
    goals   u <- u - f / |g|^2 g,  g = grad_u f (I - A A^+)    until f = 0;  f = sum_k weight_k loss_k(z)
    likely  z <- z + RATE pull(z), then kept and goals again   ROUNDS times, where the model has a denoiser of codes and
                                                               the steps of the goals were longer than FAR
            pull(z) = (M(z) - z) - (M(z_0) - z_0)              z_0: the code of the image that the run began with

A step of the second kind projects onto {f <= 0} with f made linear (Polyak 1969, "Minimization of unsmooth
functionals"). A code that satisfies linear classifiers is often a mixture that no image has, such as a hat through
which the hair shows. M(z) is the mean of the codes of images near z (`clay.networks.code_denoiser`), so the third kind
moves z to where codes of images are frequent. It leaves out what M changes about z_0, because the details of the start
are rare too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from adjointdeis.guide.step_options import Projection
from losses import CodeKeep
from studio.runs.goals.kept import OnZ

STEPS, LONGEST, SATISFIED = 60, 4.0, 1e-6
"""The most steps of one projection, the length of the longest one in u, and the value of f at which it ends. All steps
of one such projection together are no longer than sqrt(2 d), the distance in u between two codes of the distribution.
"""

FAR, ROUNDS, RATE = 1.0, 4, 0.5
"""With the third kind in every update, also in those that hardly move z, chains of edits lost the person."""
Pull = Callable[[Tensor], Tensor]
"""z (b, d) -> a step towards likely codes, (b, d)."""


def pull_to_likely(denoise: Callable[[Tensor], Tensor], start: Tensor) -> Pull:
    """pull(z) of the module's formulas, (b, d) -> (b, d).

    Args:
        denoise: M, (b, d) -> (b, d).
        start: z_0, (1, d).
    """
    own = denoise(start) - start
    return lambda z: denoise(z) - z - own


def code_projection(on_z: OnZ, root: Tensor | None, pull: Pull | None = None) -> Projection | None:
    """A projection of z, (b, d), for `adjointdeis.StepOptions.project`; None where z has no losses of its own.

    Args:
        on_z: weights and losses of z; the attributes of `CodeKeep` are kept, the others are goals.
        root: P, (d, d); the identity if None.
        pull: towards likely codes; None for a model that cannot compare codes.
    """
    goals = [(weight, loss) for weight, loss in on_z if not isinstance(loss, CodeKeep)]
    kept = [head.weight for _, loss in on_z if isinstance(loss, CodeKeep) for head in loss.heads.values()]
    if not on_z:
        return None

    def project(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> dict[str, Tensor]:
        z = after["z"].detach()
        p = torch.eye(z.shape[1]).to(z) if root is None else root.to(z)
        held, lost = p, torch.zeros_like(p)  # (z - z_before) lost is the part of a step that what is kept forbids
        if kept:
            w = torch.cat([weight - weight.mean(dim=0) for weight in kept]).to(z)
            a = p @ w.T
            back = torch.linalg.pinv(a, rtol=1e-4) @ p
            held, lost = p - a @ back, w.T @ back
        z, length = _met(goals, z - (z - before["z"]) @ lost, held)
        far = length[:, None] > FAR
        if pull is not None and far.any():
            for _ in range(ROUNDS):
                pulled = z + RATE * pull(z)
                z = torch.where(far, _met(goals, pulled - (pulled - before["z"]) @ lost, held)[0], z)
        return {"z": z}

    return project


def _met(goals: OnZ, z: Tensor, held: Tensor) -> tuple[Tensor, Tensor]:
    """A near code at which the goals are met, and the length of the steps in u, (b,); `held` is P (I - A A^+)^T."""
    left = z.new_full((len(z),), (2 * z.shape[1]) ** 0.5)
    for _ in range(STEPS if goals else 0):
        value, slope = _value_and_slope(goals, z)
        if not (value > SATISFIED).any():
            break
        g = slope @ held.T
        length = torch.minimum((value / g.norm(dim=1).clamp_min(1e-12)).clamp(max=LONGEST), left)
        z, left = z - length[:, None] * F.normalize(g, dim=1) @ held, left - length
    return z, (2 * z.shape[1]) ** 0.5 - left


def _value_and_slope(goals: OnZ, z: Tensor) -> tuple[Tensor, Tensor]:
    """The weighted sum of the losses, (b,), and its gradient, (b, d)."""
    with torch.enable_grad():
        leaf = z.detach().requires_grad_(True)
        value = torch.stack([weight * loss.of(leaf) for weight, loss in goals]).sum(dim=0)
        (slope,) = torch.autograd.grad(value.sum(), leaf)
    return value.detach(), slope


def in_turn(projections: Sequence[Projection | None]) -> Projection | None:
    """Several projections, each of what the one before it made; None if there is none."""
    found = [one for one in projections if one is not None]

    def project(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> dict[str, Tensor]:
        changed: dict[str, Tensor] = {}
        for one in found:
            changed |= one(before, {**after, **changed})
        return changed

    return project if found else None
