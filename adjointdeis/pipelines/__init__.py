"""Any pipeline of diffusers as a model of this library.

    pipe = DiffusionPipeline.from_pretrained(...)
    m = from_pipeline(pipe, num_inference_steps=8, prompt="a red house", guidance_scale=3.5)
    for frame in guide(m.model, m.sampler, m.draw(generator), m.z, lambda x: loss(m.decode(x)), wrt=("x_T", "z")):
        show(m.decode(frame.image))

Reading order: stand_in (parts that take the place of a pipeline's own), start (what a first run shows), recorder (a
whole run), layout (rearranged tensors), standard and modular (the two kinds of pipeline), table (the sampler), images
(encoder and decoder), inputs (what is refused), verify (our sample against the pipeline's). diffusers is not imported
here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from adjointdeis.pipelines import inputs
from adjointdeis.pipelines import verify as comparison
from adjointdeis.pipelines.images import Images
from adjointdeis.pipelines.modular import Modular
from adjointdeis.pipelines.standard import Standard
from adjointdeis.pipelines.start import Adapter
from adjointdeis.pipelines.table import table
from adjointdeis.sampler import Sampler

__all__ = ["PipelineModel", "PipelineNetwork", "from_pipeline"]


@dataclass(frozen=True)
class PipelineNetwork:
    """net(t, x, z): the pipeline's network with its guidance, on the times of its grid.

    Args:
        pipe: the pipeline.
        adapter: what runs it.
        off_grid: whether other times are accepted, for a network that does not depend on the step's index; the options
            of the nearest step act then.
    """

    pipe: Any
    adapter: Adapter
    off_grid: bool = False

    def __call__(self, t: Tensor, x: Tensor, z: Any, /) -> Tensor:
        """The output, for t (b,) on the grid, x of the state's shape, z of the recorded structure.

        Raises:
            ValueError: a time off the grid, a state of another shape, a network that gives no gradient.
        """
        state = self.adapter.start.state
        if x.shape != state.shape:
            raise ValueError(
                f"The state must have the shape of the pipeline's latents, {tuple(state.shape)}; got "
                f"{tuple(x.shape)}. Set "
                "height, width and num_images_per_prompt in from_pipeline."
            )
        index, time = self._place(t)
        output = self.adapter.network(index, x.to(state.dtype), z, time)
        if torch.is_grad_enabled() and x.requires_grad and not output.requires_grad:
            raise ValueError(inputs.no_gradient(self.pipe))
        return output

    @property
    def denoiser(self) -> torch.nn.Module:
        """The pipeline's network that is called in every step."""
        found: torch.nn.Module = getattr(self.pipe, "transformer", None) or self.pipe.unet
        return found

    def _place(self, t: Tensor) -> tuple[int, Tensor | None]:
        """The nearest step, and the time itself if it is not that step's."""
        timesteps = self.adapter.start.timesteps
        times = timesteps.double().cpu()
        wanted = float(t.reshape(-1)[0])
        index = int((times - wanted).abs().argmin())
        rounding = torch.finfo(t.dtype).eps if t.is_floating_point() else 1e-6
        if abs(float(times[index]) - wanted) <= 4 * rounding * max(abs(wanted), 1e-3):
            return index, None
        if not self.off_grid:
            raise ValueError(
                f"The pipeline's network is defined on its own {len(times)} times only, because guidance and "
                "flow maps may "
                f"depend on the step; got t = {wanted:.6g}. Use DiscreteAdjoint or Unrolled, which stay on the grid."
            )
        whole = timesteps.is_floating_point() or wanted == round(wanted)
        return index, t.reshape(-1)[0].to(timesteps.device, timesteps.dtype if whole else None)


@dataclass(frozen=True)
class PipelineModel:
    """A pipeline, ready for `sample`, `encode`, `guide` and every gradient method that stays on the grid.

    Args:
        model: net(t, x, z).
        sampler: the table on the pipeline's own times.
        z: the tensors of `wrt`, by name.
        call: what is fixed.
        first: s_0: the state x_T is s_0 times what the pipeline keeps; 1 except for Euler-like schedulers.
        last: s_N.
    """

    model: PipelineNetwork
    sampler: Sampler
    z: Mapping[str, Any]
    call: Mapping[str, Any]
    first: float
    last: float
    _images: Images = field(repr=False)
    _sde: bool = field(repr=False)

    def at(self, num_inference_steps: int, **call: Any) -> PipelineModel:
        """The same pipeline and prompts on another grid.

        Args:
            num_inference_steps: N.
            call: arguments of the call that differ, such as height and width.
        """
        return _model(self.model.pipe, self.model.adapter.at(num_inference_steps, call), self._sde)

    def draw(self, generator: torch.Generator | None = None) -> Tensor:
        """x_T (b, ...) as the pipeline draws it with this generator."""
        y: Tensor = self.model.adapter.draw(generator)
        return y * self.first

    def decode(self, latents: Tensor) -> Tensor:
        """The image (b, 3, h, w) in [-1, 1], or video (b, 3, frames, h, w), of a last state; with gradient.

        Raises:
            ValueError: the pipeline has no VAE, or its safety checker would black out the image.
            NotImplementedError: what the pipeline decodes is not its last state rearranged, shifted and scaled.
        """
        return self._images.decode(latents)

    def encode_image(self, image: Tensor) -> Tensor:
        """The last state whose image is nearest to a given one (b, 3, h, w) in [-1, 1].

        Raises:
            ValueError: the pipeline has no VAE, or an image of another size.
        """
        return self._images.encode(image)

    def verify(self, num_inference_steps: int | None = 2, seed: int = 0) -> float:
        """The largest relative difference between our sample and the pipeline's own.

        Args:
            num_inference_steps: of the sample that is compared; the number given to `from_pipeline` if None.
            seed: of the sample.

        Raises:
            ValueError: a difference above 1e-4 (5e-3 in half precision), by the name of what differs, or a network
                that gives no gradient.
        """
        adapter = self.model.adapter
        if num_inference_steps is not None:
            adapter = adapter.at(num_inference_steps, {})
        start = adapter.start
        own = table(start.scheduler, start.timesteps, start.arguments, sde=False)
        return comparison.verify(self.model.pipe, adapter, own, seed)


def from_pipeline(
    pipe: Any,
    *,
    num_inference_steps: int,
    wrt: Sequence[str] = ("prompt_embeds",),
    sde: bool = False,
    **call: Any,
) -> PipelineModel:
    """A pipeline of diffusers as model, sampler and conditioning.

    The pipeline is run once, to its first step. Nothing of it is changed.

    Args:
        pipe: a DiffusionPipeline or a ModularPipeline, whole or a core denoising block with prepared embeddings.
        num_inference_steps: N.
        wrt: names of the embeddings in z: arguments of the call, or results of the pipeline's `encode_prompt`.
        sde: SDE-DPM-Solver++(1) on the pipeline's grid, to sigma_min, instead of its own sampler.
        call: everything else that the pipeline is called with: prompt or embeddings, guidance, height, width, images.

    Raises:
        ValueError: a pipeline or an argument that cannot be used.
        NotImplementedError: a scheduler whose steps have no table.
    """
    inputs.check(pipe, call, num_inference_steps, wrt)
    if "use_kv_cache" in inputs.accepted(pipe):  # the keys and values of step 1, which later steps would lack
        call.setdefault("use_kv_cache", False)
    kind = Modular if inputs.is_modular(pipe) else Standard
    return _model(pipe, kind(pipe, call, num_inference_steps, tuple(wrt)), sde)


def _model(pipe: Any, adapter: Adapter, sde: bool) -> PipelineModel:
    start = adapter.start
    found = table(start.scheduler, start.timesteps, start.arguments, sde)
    return PipelineModel(
        model=PipelineNetwork(pipe, adapter),
        sampler=found.sampler,
        z=start.z,
        call=MappingProxyType(dict(adapter.given)),
        _images=Images(pipe, adapter, found.last),
        first=found.first,
        last=found.last,
        _sde=sde,
    )
