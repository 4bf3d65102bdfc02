"""What visitors do all day, by chance: run, stop, walk away, send nonsense; and whether what they got was theirs.

Every run has a picture, a seed and a prompt that no other has. A result is its owner's if the picture before it, byte
for byte, is the one that was sent, and the seed beside it, and inside a saved file seed and prompt, are too.
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

from benchmarks.soak.visitor import Answers, Seen, Visitor
from studio.export.metadata import read_settings
from studio.images.load import load_picture

KINDS = {"run": 60, "stop": 12, "leave": 12, "nonsense": 8, "program": 8}
"""Of a hundred runs."""
PATIENCE = 300.0


@dataclass(frozen=True)
class Trial:
    """One run and how it ended: `trouble` is a sentence where something is wrong with it.

    `first` is seconds to the first frame, `place` how many runs came before at first.
    """

    kind: str
    seconds: float
    trouble: str = ""
    place: int = 0
    first: float | None = None


@dataclass(frozen=True)
class Wish:
    """What tells a run from all others."""

    picture: bytes
    seed: int
    prompt: str
    steps: int

    def changed(self, image: Any) -> dict[str, Any]:
        """The page's components that are not at their defaults."""
        return {
            "first": image,
            "seed": self.seed,
            "prompt": self.prompt,
            "optimisation_steps": self.steps,
            "sampling_steps": 4,
        }

    def before(self, size: int) -> bytes:
        """The picture as the model has to see it."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / "a.png"
            path.write_bytes(self.picture)
            return load_picture(path, size).tobytes()


def wish(chance: random.Random, steps: tuple[int, int] = (2, 6)) -> Wish:
    """A picture of blocks in colours by chance, and settings to go with it."""
    blocks = Image.frombytes("RGB", (4, 4), chance.randbytes(48)).resize((64, 64), Image.Resampling.NEAREST)
    stream = io.BytesIO()
    blocks.save(stream, "PNG")
    seed = chance.randrange(2**32)
    return Wish(stream.getvalue(), seed, f"a face, number {seed}", chance.randint(*steps))


class Person:
    """One client: visits that each have one to four runs of any kind."""

    def __init__(self, url: str, size: int, seed: int, answers: Answers) -> None:
        self._url, self._size, self._answers, self._chance = url, size, answers, random.Random(seed)

    def visit(self, most: int) -> list[Trial]:
        """Open the page, do something up to `most` times, close it."""
        trials: list[Trial] = []
        with Visitor(self._url, self._answers) as visitor:
            for _ in range(min(self._chance.randint(1, 4), most)):
                (kind,) = self._chance.choices(list(KINDS), list(KINDS.values()))
                trials.append(self._tried(kind, visitor))
                if kind == "leave":
                    break
        return trials

    def _tried(self, kind: str, visitor: Visitor) -> Trial:
        kinds: dict[str, Callable[[Visitor], Trial]] = {
            "run": self._run,
            "stop": self._stop,
            "leave": self._leave,
            "nonsense": self._nonsense,
            "program": self._program,
        }
        began = time.monotonic()
        try:
            return kinds[kind](visitor)
        except Exception as error:
            return Trial(kind, time.monotonic() - began, f"{type(error).__name__}: {error}")

    def _run(self, visitor: Visitor) -> Trial:
        asked, began = wish(self._chance), time.monotonic()
        image = visitor.upload("visitor.png", asked.picture)
        seen = _last(visitor.run(asked.changed(image)))
        trouble = self._wrong(asked, seen)
        if not trouble and self._chance.random() < 0.2:
            trouble = _wrong_file(asked, visitor.save("png"))
        return Trial("run", time.monotonic() - began, trouble, seen.place, seen.first)

    def _stop(self, visitor: Visitor) -> Trial:
        """Stop, at once or after some frames: the best picture so far, or a sentence that there is none."""
        asked, began = wish(self._chance, (40, 60)), time.monotonic()
        image = visitor.upload("visitor.png", asked.picture)
        frames = self._chance.randint(0, 6)
        seen = _last(_stopped(visitor, visitor.run(asked.changed(image)), frames))
        status = str(seen.shown.get("status"))
        trouble = "" if "no new result" in status else self._wrong(asked, seen)
        if "Stopped" not in status and not trouble:
            trouble = f"not stopped: {status[:200]}"
        return Trial("stop", time.monotonic() - began, trouble, seen.place, seen.first)

    def _leave(self, visitor: Visitor) -> Trial:
        """The network is lost in the middle of a run."""
        asked, began = wish(self._chance, (40, 60)), time.monotonic()
        stream = visitor.run(asked.changed(visitor.upload("visitor.png", asked.picture)))
        for _ in range(self._chance.randint(1, 6)):
            next(stream, None)
        stream.close()
        return Trial("leave", time.monotonic() - began)

    def _nonsense(self, visitor: Visitor) -> Trial:
        """What is wrong is said in a sentence, which is not the one for unknown failures."""
        asked, began = wish(self._chance), time.monotonic()
        picture = self._chance.choice([asked.picture, self._chance.randbytes(200), None])
        image = None if picture is None else visitor.upload("visitor.png", picture)
        wrong: list[dict[str, Any]] = [
            {"prompt": " "},
            {"sampling_steps": 10**6},
            {"optimisation_steps": -1},
            {"seed": None},
            {"goal": "identity"},
        ]
        seen = _last(visitor.run({**asked.changed(image), **self._chance.choice(wrong)}))
        refused = "alert" in seen.message or not seen.over
        trouble = "" if refused and "incident" not in seen.message else f"taken: {seen.message[:200]}"
        return Trial("nonsense", time.monotonic() - began, trouble)

    def _program(self, visitor: Visitor) -> Trial:
        """The same through the endpoint for programs."""
        asked, began = wish(self._chance), time.monotonic()
        image = visitor.upload("program.png", asked.picture)
        with httpx.Client(base_url=f"{self._url}gradio_api/", timeout=PATIENCE) as http:
            body = {"image": image, "seed": asked.seed, "prompt": asked.prompt, "optimisation_steps": asked.steps}
            event = self._answers.note(http.post("call/v2/steer", json={**body, "sampling_steps": 4})).json()
            said = self._answers.note(http.get(f"call/v2/steer/{event['event_id']}")).text.rstrip().splitlines()
            if said[-2] != "event: complete":
                return Trial("program", time.monotonic() - began, f"lost: {said[-2:]}")
            picture, written = json.loads(said[-1].removeprefix("data: "))
            trouble = _wrong_file(asked, self._answers.note(http.get(f"file={picture['path']}")).content)
        if written["settings"]["seed"] != asked.seed:
            trouble = "mixed: the record is another run's"
        return Trial("program", time.monotonic() - began, trouble)

    def _wrong(self, asked: Wish, seen: Seen) -> str:
        pair = seen.shown.get("compare")
        if not seen.over or not isinstance(pair, dict) or "before" not in pair:
            return f"lost: {seen.shown.get('status')} {seen.message}"[:300]
        before = Image.open(io.BytesIO(b64decode(pair["before"].partition(",")[2]))).convert("RGB")
        if before.tobytes() != asked.before(self._size):
            return "mixed: the picture before is another run's"
        if seen.seed != asked.seed:
            return f"mixed: seed {seen.seed} for {asked.seed}"
        return ""


def _last(events: Iterator[Seen]) -> Seen:
    found = deque(events, maxlen=1)
    return found[0] if found else Seen()


def _stopped(visitor: Visitor, events: Iterator[Seen], frames: int) -> Iterator[Seen]:
    """The events, with Stop pressed after so many of them."""
    for count, seen in enumerate(events):
        if count == frames:
            visitor.stop()
        yield seen


def _wrong_file(asked: Wish, data: bytes) -> str:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        path.write_bytes(data)
        settings = read_settings(path)
    return "" if (settings.seed, settings.prompt) == (asked.seed, asked.prompt) else "mixed: another run's file"
