"""`Studio`: the state that all visitors share, and `Task`: what a stream is asked to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Literal

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.core.settings import GradientName, Settings
from studio.models.holder import Holder, unloaded
from studio.models.interface import Model
from studio.models.memory import memory_in_use
from studio.queue.cancel import CancelTokens
from studio.queue.device import DeviceQueue
from studio.queue.latest import Slot, latest_only
from studio.runs.capabilities import unavailable
from studio.runs.compare import compare
from studio.runs.events import Early, Waiting
from studio.runs.kept_run import KeptRun
from studio.runs.measures.cost import Cost, CostModel
from studio.runs.measures.memory import need
from studio.runs.measures.meter import warm_up_profiler
from studio.runs.morph import morph
from studio.runs.reconstruct import reconstruct
from studio.runs.request import Request
from studio.runs.retry import with_second_try
from studio.runs.sampling import sampler_for
from studio.runs.steer import steer


@dataclass(frozen=True)
class Task:
    """One task for the device.

    Args:
        kind: which run.
        request: pictures and settings.
        methods: the gradient methods of a comparison; empty for the other kinds.
        kept: where a run of the kind "steer" is kept; the run that the kinds "resume" and "strength" are about.
        after: the run from whose result one of the kind "steer" goes on, as the next edit of a chain.
        strength: of the kind "strength".
    """

    kind: Literal["steer", "resume", "strength", "reconstruct", "morph", "compare"]
    request: Request
    methods: tuple[GradientName, ...] = ()
    kept: KeptRun = field(default_factory=KeptRun)
    after: KeptRun | None = None
    strength: float = 1.0


Stream = Callable[[Task, CancelToken], Iterator[Any]]
"""`Studio.stream`, or a wrapper around it: a task and its token -> the events of its run, and None."""


@dataclass(frozen=True)
class Switched:
    """The end of a switch: the loaded model's name, and the goals that it cannot serve, each with the reason."""

    name: str
    unavailable: Mapping[str, str]


@dataclass(eq=False)
class Studio:
    """A model, the queue for its device, its measured pace, and the tokens of all runs.

    `public`: anybody may connect, so saved pictures have a visible mark by default. `models`: those that `switch`
    offers; None if there is one model only.
    """

    model: Model
    device: DeviceQueue = field(default_factory=DeviceQueue)
    cost_model: CostModel = field(default_factory=CostModel)
    cancel_tokens: CancelTokens = field(default_factory=CancelTokens)
    public: bool = False
    models: Holder | None = None
    _swap: Lock = field(default_factory=Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        self._set_costs_of_model()
        warm_up_profiler()

    def _set_costs_of_model(self) -> None:
        self.cost_model.graphs, self.cost_model.confines = self.model.graphs, bool(self.model.parts_of_attributes)

    def cost(self, settings: Settings) -> Cost:
        """Network calls, seconds and bytes of a run with these settings on this device."""
        return self.cost_model.cost(settings, sampler_for(self.model, settings).steps)

    def forecast(self, task: Task) -> float | None:
        """Expected seconds of a task on this device; None before the first measurement.

        A morph encodes two faces. A comparison makes one run a method, and audits each.
        """
        settings = task.request.settings
        each = [
            self.cost(settings.model_copy(update={"gradient": method})).seconds
            for method in task.methods or (settings.gradient,)
        ]
        known = [seconds for seconds in each if seconds is not None]
        if len(known) < len(each):
            return None
        few = 2 / settings.optimisation_steps
        factor = {"steer": 1.0, "resume": 1.0, "strength": few, "reconstruct": few, "morph": 1.5, "compare": 1 + few}
        return sum(known) * factor[task.kind]

    def stream(self, task: Task, stop: CancelToken) -> Iterator[Any]:
        """The events of a task, at most as many a second as a page shows; None if there is no new one.

        One task at a time holds the device. Its events are those of its kind of run, after `Waiting`.
        """
        slot: Slot[Any] = Slot()
        events = self._events(task, stop, self.model.name, slot.put)
        return latest_only(events, stop, self.device, waiting=Waiting, slot=slot)

    def switch(self, name: str, stop: CancelToken) -> Iterator[Any]:
        """Load another model in place of this one: `Waiting` events, None if there is no new one, then `Switched`.

        A switch is a job in the queue: it waits for runs that came before it. The old model is freed before the new one
        is loaded. If loading fails, the old one is loaded again, and the error is raised. Runs that waited for the old
        model end with an error message.

        Args:
            name: one of `models.names`.
            stop: cancels a switch that waits; one that loads is not interrupted.

        Raises:
            UserError: the model is not offered, or cannot be loaded.
        """
        if self.models is None or name not in self.models.names:
            offered = ", ".join(self.models.names if self.models else ()) or "start it with --models to offer more"
            raise UserError(f"This studio does not offer the model “{name}”: {offered}.")
        return latest_only(self._switch(self.models, name), stop, self.device, waiting=Waiting)

    def warm_up(self, picture: Path) -> None:
        """A short run, so that everything is loaded, and pace and memory are measured, before the first visitor."""
        self.cost_model.need = need(self.model)
        settings = {"prompt": "a face", "optimisation_steps": 2}
        request = Request.checked(settings, picture, None, self.model.size)
        for _ in steer(self.model, request, self.cancel_tokens.new_token(), self.cost_model):
            pass

    def _events(self, task: Task, stop: CancelToken, expected: str, early: Early) -> Iterator[Any]:
        """The events of a task; it begins when the device is free, and then it may have another model."""
        model = self.model
        if model.name != expected:
            raise UserError(
                f"“{model.name}” was loaded in place of “{expected}” while this run waited: start it again."
            )
        if task.kind == "compare":
            yield from compare(model, task.request, task.methods, stop)
        elif task.kind == "resume":
            yield from task.kept.resume(stop, early)
        elif task.kind == "strength":
            yield from task.kept.at_strength(task.strength, stop)
        elif task.after is not None:
            yield from steer(model, task.request, stop, self.cost_model, task.kept, task.after.link(stop), early)
        elif task.kind == "reconstruct":
            yield from reconstruct(model, task.request, stop, self.cost_model)
        else:
            run: Callable[..., Iterator[Any]] = (
                partial(steer, kept=task.kept, early=early) if task.kind == "steer" else morph
            )
            yield from with_second_try(lambda request: run(model, request, stop, self.cost_model), task.request)

    def _switch(self, models: Holder, name: str) -> Iterator[Switched]:
        previous = models.name
        if name == previous:
            yield Switched(self.model.name, unavailable(self.model))
            return
        KeptRun.drop_all()
        with self._swap:
            self.model = unloaded(self.model)
        try:
            self._use(models.get(name))
        except Exception:
            if previous is not None:
                self._use(models.get(previous))
            raise
        yield Switched(self.model.name, unavailable(self.model))

    def _use(self, model: Model) -> None:
        self.model, self.cost_model = model, CostModel(need=need(model), base=memory_in_use(model.device))
        self._set_costs_of_model()
        self.speed_up()

    def speed_up(self) -> Thread | None:
        """Make a faster copy of the model in a thread, which is returned; None if there is none.

        The copy replaces the model when it is ready. A run goes on with the model that it began with.
        """
        if self.models is None or (faster := self.models.faster) is None:
            return None

        def work(model: Model) -> None:
            found = faster(model)
            with self._swap:
                if found is not None and self.model is model:  # no other one was loaded meanwhile
                    self.model = found

        thread = Thread(target=work, args=(self.model,), name="speed up", daemon=True)
        thread.start()
        return thread
