"""Simulated users: they run, stop, disconnect and send invalid input at random, and check their results.

Every run has its own image, seed and prompt. A result belongs to its run if the image before it equals the one that was
sent byte for byte and the seed is the same; in a saved file, if seed and prompt are the same.
"""

from __future__ import annotations

import io
import json
import random
import time
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from PIL import Image

from benchmarks.soak.page_client import PageClient, RunOutput, StatusCounts
from studio.export.metadata import read_settings
from studio.images.load import load_picture

KINDS = {"run": 60, "stop": 12, "disconnect": 12, "invalid": 8, "api": 8}
"""Kinds of runs, and their number in a hundred."""
TIMEOUT = 300.0


@dataclass(frozen=True)
class Trial:
    """One run and its result.

    Args:
        kind: a key of `KINDS`.
        seconds: duration.
        trouble: what is wrong with the result; empty if nothing is.
        place: position in the queue at first.
        first: seconds to the first frame; None without one.
    """

    kind: str
    seconds: float
    trouble: str = ""
    place: int = 0
    first: float | None = None


@dataclass(frozen=True)
class RunInput:
    """The input of a run, different from all others."""

    picture: bytes
    seed: int
    prompt: str
    steps: int

    def changed(self, image: Any) -> dict[str, Any]:
        """The values of the page's components that differ from their defaults."""
        return {
            "first": image,
            "seed": self.seed,
            "prompt": self.prompt,
            "optimisation_steps": self.steps,
            "sampling_steps": 4,
        }

    def before(self, size: int) -> bytes:
        """The pixels of the image at the model's size."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / "a.png"
            path.write_bytes(self.picture)
            return load_picture(path, size).tobytes()


def random_input(rng: random.Random, steps: tuple[int, int] = (2, 6)) -> RunInput:
    """An image of blocks in random colours, with random settings."""
    blocks = Image.frombytes("RGB", (4, 4), rng.randbytes(48)).resize((64, 64), Image.Resampling.NEAREST)
    stream = io.BytesIO()
    blocks.save(stream, "PNG")
    seed = rng.randrange(2**32)
    return RunInput(stream.getvalue(), seed, f"a face, number {seed}", rng.randint(*steps))


class User:
    """A simulated user, who makes one to four random runs in each visit.

    Args:
        url: address of the app.
        size: side of the model's images in pixels.
        seed: seed of the random choices.
        counts: counts the responses.
    """

    def __init__(self, url: str, size: int, seed: int, counts: StatusCounts) -> None:
        self._url, self._size, self._counts, self._rng = url, size, counts, random.Random(seed)

    def visit(self, most: int) -> list[Trial]:
        """Open the page, make up to `most` runs, and close it."""
        trials: list[Trial] = []
        with PageClient(self._url, self._counts) as page:
            for _ in range(min(self._rng.randint(1, 4), most)):
                (kind,) = self._rng.choices(list(KINDS), list(KINDS.values()))
                trials.append(self._tried(kind, page))
                if kind == "disconnect":
                    break
        return trials

    def _tried(self, kind: str, page: PageClient) -> Trial:
        kinds: dict[str, Callable[[PageClient], Trial]] = {
            "run": self._run,
            "stop": self._stop,
            "disconnect": self._disconnect,
            "invalid": self._invalid,
            "api": self._api,
        }
        began = time.monotonic()
        try:
            return kinds[kind](page)
        except Exception as error:
            return Trial(kind, time.monotonic() - began, f"{type(error).__name__}: {error}")

    def _run(self, page: PageClient) -> Trial:
        given, began = random_input(self._rng), time.monotonic()
        image = page.upload("soak-page.png", given.picture)
        output = _last(page.run(given.changed(image)))
        trouble = self._wrong(given, output)
        if not trouble and self._rng.random() < 0.2:
            trouble = _wrong_file(given, page.save("png"))
        return Trial("run", time.monotonic() - began, trouble, output.place, output.first)

    def _stop(self, page: PageClient) -> Trial:
        """Stop at once or after some frames; the result is the best image so far, or a message that there is none."""
        given, began = random_input(self._rng, (40, 60)), time.monotonic()
        image = page.upload("soak-page.png", given.picture)
        frames = self._rng.randint(0, 6)
        output = _last(_stopped(page, page.run(given.changed(image)), frames))
        status = str(output.shown.get("status"))
        trouble = "" if "no new result" in status else self._wrong(given, output)
        if "Stopped" not in status and not trouble:
            trouble = f"not stopped: {status[:200]}"
        return Trial("stop", time.monotonic() - began, trouble, output.place, output.first)

    def _disconnect(self, page: PageClient) -> Trial:
        """Close the stream during a run."""
        given, began = random_input(self._rng, (40, 60)), time.monotonic()
        stream = page.run(given.changed(page.upload("soak-page.png", given.picture)))
        for _ in range(self._rng.randint(1, 6)):
            next(stream, None)
        stream.close()
        return Trial("disconnect", time.monotonic() - began)

    def _invalid(self, page: PageClient) -> Trial:
        """Send invalid input; the page must show a specific error message."""
        given, began = random_input(self._rng), time.monotonic()
        picture = self._rng.choice([given.picture, self._rng.randbytes(200), None])
        image = None if picture is None else page.upload("soak-page.png", picture)
        wrong: list[dict[str, Any]] = [
            {"prompt": " "},
            {"sampling_steps": 10**6},
            {"optimisation_steps": -1},
            {"seed": None},
            {"goal": "identity"},
        ]
        output = _last(page.run({**given.changed(image), **self._rng.choice(wrong)}))
        refused = "alert" in output.message or not output.over
        trouble = "" if refused and "incident" not in output.message else f"taken: {output.message[:200]}"
        return Trial("invalid", time.monotonic() - began, trouble)

    def _api(self, page: PageClient) -> Trial:
        """Make a run through the API."""
        given, began = random_input(self._rng), time.monotonic()
        image = page.upload("soak-api.png", given.picture)
        with httpx.Client(base_url=f"{self._url}gradio_api/", timeout=TIMEOUT) as http:
            body = {"image": image, "seed": given.seed, "prompt": given.prompt, "optimisation_steps": given.steps}
            event = self._counts.add(http.post("call/v2/steer", json={**body, "sampling_steps": 4})).json()
            lines = self._counts.add(http.get(f"call/v2/steer/{event['event_id']}")).text.rstrip().splitlines()
            if lines[-2] != "event: complete":
                return Trial("api", time.monotonic() - began, f"lost: {lines[-2:]}")
            picture, written = json.loads(lines[-1].removeprefix("data: "))
            trouble = _wrong_file(given, self._counts.add(http.get(f"file={picture['path']}")).content)
        if written["settings"]["seed"] != given.seed:
            trouble = "mixed: the record is another run's"
        return Trial("api", time.monotonic() - began, trouble)

    def _wrong(self, given: RunInput, output: RunOutput) -> str:
        pair = output.shown.get("compare")
        if not output.over or not isinstance(pair, dict) or "before" not in pair:
            return f"lost: {output.shown.get('status')} {output.message}"[:300]
        before = Image.open(io.BytesIO(b64decode(pair["before"].partition(",")[2]))).convert("RGB")
        if before.tobytes() != given.before(self._size):
            return "mixed: the picture before is another run's"
        if output.seed != given.seed:
            return f"mixed: seed {output.seed} for {given.seed}"
        return ""


def _last(events: Iterator[RunOutput]) -> RunOutput:
    found = deque(events, maxlen=1)
    return found[0] if found else RunOutput()


def _stopped(page: PageClient, events: Iterator[RunOutput], frames: int) -> Iterator[RunOutput]:
    """The events of a run; presses Stop after `frames` of them."""
    for count, output in enumerate(events):
        if count == frames:
            page.stop()
        yield output


def _wrong_file(given: RunInput, data: bytes) -> str:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        path.write_bytes(data)
        settings = read_settings(path)
    return "" if (settings.seed, settings.prompt) == (given.seed, given.prompt) else "mixed: another run's file"
