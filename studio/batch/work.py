"""`work`: the batches of a plan, one after the other.

Threads load the pictures of the next batch and save the results of the last one, while the device is at work. What is
wrong with one picture is that job's row. A batch that runs out of memory is halved; a batch that fails otherwise is run
one picture at a time, so that the others still have their results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter

from PIL import Image

from studio.batch.jobs import Job
from studio.batch.output import Output, saving
from studio.batch.plan import Batch, Plan
from studio.batch.rows import done, failed, files
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError, explain, out_of_memory
from studio.images.files import open_picture
from studio.models.interface import Model
from studio.models.memory import release_memory
from studio.runs.batch.steer import steer_together
from studio.runs.events import Outcome
from studio.runs.measures.monitored import Cancelled
from studio.runs.morph import Morphed, morph
from studio.runs.request import Request
from studio.runs.steer import steer

Result = Outcome | Morphed
Loaded = list[tuple[Job, Request | UserError]]
Found = tuple[Job, Result | Exception, int]
ANIMATED = "The picture is animated; its first frame was used."


@dataclass
class Tally:
    """What a process did: results, failed jobs, and seconds in which the device waited for files."""

    done: int = 0
    failed: int = 0
    stopped: bool = False
    seconds: float = 0.0
    waiting: float = 0.0
    reasons: dict[str, str] = field(default_factory=dict)


def work(
    model: Model,
    plan: Plan,
    output: Output,
    stop: CancelToken,
    each: Callable[[int], object] = lambda jobs: None,
    *,
    marked: bool = False,
) -> Tally:
    """Run what has no result yet.

    Args:
        model: of all jobs.
        plan: the part of this process.
        output: where results are, and go.
        stop: ends the work within one network call; the running batch has no results then.
        each: called with the number of jobs that a batch completed.
        marked: whether the pictures have the corner label.

    Raises:
        UserError: a result cannot be saved, as on a full disk.
    """
    tally, began, ready = Tally(), perf_counter(), output.done()
    batches = list(plan.left(ready))
    with ThreadPoolExecutor(1) as loader, ThreadPoolExecutor(1) as saver:
        saves: list[Future[None]] = []

        def keep(job: Job, found: Result | Exception, pictures: int) -> None:
            if job.name in ready:  # it was computed for the sake of its batch
                return
            if isinstance(found, Exception):
                tally.failed, reason = tally.failed + 1, explain(found)
                tally.reasons[job.name] = reason
                saves.append(saver.submit(output.save, job, failed(job, reason, model), {}))
            else:
                tally.done += 1
                saves.append(saver.submit(_save, output, job, found, model, pictures, marked))

        for job in plan.broken:
            keep(job, UserError(job.error), 1)
        coming = loader.submit(_load, batches[0], model.size) if batches else None
        for i, batch in enumerate(batches):
            assert coming is not None
            loaded = _waited(coming, tally)
            coming = loader.submit(_load, batches[i + 1], model.size) if i + 1 < len(batches) else None
            try:
                for found in _results(model, loaded, stop):
                    keep(*found)
            except Cancelled:
                tally.stopped = True
                break
            saves = _saved(saves)
            each(sum(job.name not in ready for job in batch))
        began_saving = perf_counter()
        for save in saves:
            _finished(save)
        tally.waiting += perf_counter() - began_saving
    tally.seconds = perf_counter() - began
    return tally


def _load(batch: Batch, size: int) -> Loaded:
    def load(job: Job) -> Request | UserError:
        try:
            return Request.checked(job.settings.model_dump(), job.image, job.second, size)
        except UserError as error:
            return error

    return [(job, load(job)) for job in batch]


def _results(model: Model, loaded: Loaded, stop: CancelToken) -> Iterator[Found]:
    good = []
    for job, request in loaded:
        if isinstance(request, UserError):
            yield job, request, 1
        else:
            good.append((job, request))
    yield from _together(model, good, stop)


def _together(model: Model, pairs: Sequence[tuple[Job, Request]], stop: CancelToken) -> Iterator[Found]:
    if len(pairs) <= 1:
        yield from ((job, _alone(model, request, stop), 1) for job, request in pairs)
        return
    try:
        found = list(steer_together(model, [request for _, request in pairs], stop))
    except Cancelled:
        raise
    except Exception as error:
        parts = len(pairs) if not out_of_memory(error) else 2
    else:
        yield from ((pairs[number][0], result, len(pairs)) for number, result in found)
        return
    # after the except clause, because the exception refers to the batch's tensors
    release_memory()
    size = -(-len(pairs) // parts)
    for i in range(0, len(pairs), size):
        yield from _together(model, pairs[i : i + size], stop)


def _alone(model: Model, request: Request, stop: CancelToken) -> Result | Exception:
    """The run of the page."""
    run = morph if request.settings.loss == "morph" else steer
    try:
        *_, last = run(model, request, stop)
    except Exception as error:
        return error
    if stop.is_set():
        raise Cancelled
    assert isinstance(last, Outcome | Morphed)
    return last


def _save(output: Output, job: Job, result: Result, model: Model, pictures: int, marked: bool) -> None:
    row = done(job, result, model, pictures)
    if _animated(job):
        row["note"] = ANIMATED
    output.save(job, row, files(result, model, marked=marked))


def _animated(job: Job) -> bool:
    try:
        with open_picture(job.image) as image:
            return bool(getattr(image, "is_animated", False))
    except (UserError, OSError, Image.DecompressionBombError):
        return False


def _waited(loading: Future[Loaded], tally: Tally) -> Loaded:
    began = perf_counter()
    loaded = loading.result()
    tally.waiting += perf_counter() - began
    return loaded


def _saved(saves: Sequence[Future[None]]) -> list[Future[None]]:
    """Those that are not finished yet; the error of one that failed is raised."""
    for save in saves:
        if save.done():
            _finished(save)
    return [save for save in saves if not save.done()]


def _finished(save: Future[None]) -> None:
    with saving():
        save.result()
