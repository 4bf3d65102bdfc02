"""How well the clay likeness reads faces: `python -m benchmarks.likeness` fills assets/likeness/README.md.

Test and validation people of the data set, equally many images of each skin tone, rendered with 128 pixels and changed
at random: exposure, colour of the light, crop, blur and JPEG. A face that the detector does not find is left out, and
counted. The readings are compared with the true parameters, all together and by skin tone, and with three other routes:
a render with its colours as they are, a photograph, and linear heads on the code z of the face's crop.
"""

from __future__ import annotations

import argparse
import io
import json
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageFilter

from clay.evaluation.card import fill, hashes_table, table
from clay.likeness.candidates import scene_of
from clay.likeness.exposure import Render
from clay.likeness.guess import DEFAULT_FOLDER, Guess, ParsedFace, Reader
from clay.people.attributes import ATTRIBUTES, HIDDEN, PALETTE, true_classes
from clay.people.dataset import TEST, VALIDATION, Scene, scene
from clay.people.person import SKIN_TONES
from clay.rendering.render import render
from clay.world import load_world
from losses.faces import FaceFinder, Square, load_finder
from studio.images.crop import crop_image
from studio.images.framing import CLAY, crop_of, face_square
from studio.images.person import person_of
from studio.images.renders import render_of

_SIZE, _ENLARGED, _OF_CODE = 128, 256, 64
_SEED = 5
PEOPLE = [split.first + k for split in (TEST, VALIDATION) for k in range(split.identities)]
READ = tuple(name for name in ATTRIBUTES if name not in PALETTE or name == "background_colour")
"""What a likeness shows of a face; eyes, clothes and hats have colours of their own choice."""


def changed(image: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Another light, crop, sharpness and compression of an image (h, w, 3) uint8, enlarged to 256 x 256."""
    light = (image / 255.0) ** rng.uniform(0.85, 1.2) * rng.uniform(0.8, 1.2) * rng.uniform(0.92, 1.08, 3)
    picture = Image.fromarray(np.asarray(np.clip(light, 0, 1) * 255, dtype=np.uint8))
    side = rng.uniform(0.88, 1.0) * _SIZE
    left, top = rng.uniform(0, _SIZE - side, 2)
    picture = picture.resize((_ENLARGED, _ENLARGED), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
    picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.0, 2.0)))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=int(rng.integers(50, 95)))
    return Image.open(io.BytesIO(stream.getvalue())).convert("RGB")


def tensor_of(picture: Image.Image) -> torch.Tensor:
    """(1, 3, h, w) in [-1, 1]."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1


class Case(NamedTuple):
    """One face.

    Args:
        scene: the true person and view.
        studio: classes by attribute, as the studio reads them.
        unchanged: the same, read as a render whose colours were not changed.
        photo: the same, read as a photograph.
        code: the same, from the code z of the face's crop by the linear heads (`clay.networks.heads`).
        recognised: whether the studio takes it for a render.
    """

    scene: Scene
    studio: list[int]
    unchanged: list[int]
    photo: list[int]
    code: list[int]
    recognised: bool


ROUTES = {
    "studio": "the studio's",
    "unchanged": "render, colours as they are",
    "photo": "photograph",
    "code": "code z",
}


class Found(NamedTuple):
    """A changed render in which a face was found; `render` is None where the studio takes it for a photograph."""

    scene: Scene
    picture: Image.Image
    square: Square
    face: ParsedFace
    render: Render | None


def found_in(number: int, view: int, reader: Reader, finder: FaceFinder, seed: int = _SEED) -> Found | None:
    """The face of a scene, rendered and changed; None if the detector does not find it."""
    truth = scene(number, view)
    picture = changed(render(*truth, _SIZE), np.random.default_rng((seed, number, view)))
    image = tensor_of(picture)
    faces = finder.find(image)
    if not faces:
        return None
    face = reader.parse(image, faces[0].points)
    return Found(truth, picture, faces[0].square, face, render_of(picture, faces[0].square, face))


def read_all(reader: Reader, finder: FaceFinder, each: int) -> tuple[list[Case], int]:
    """Faces, `each` of every skin tone, and how many were not found."""
    cases: dict[str, list[Case]] = defaultdict(list)
    world = load_world()  # of `_OF_CODE` pixels
    missed = 0
    for view in range(TEST.views):  # every person once before anybody twice, because a person has one skin
        for number in PEOPLE:
            tone = scene(number, view)[0].skin_tone
            if len(cases[tone]) >= each:
                continue
            found = found_in(number, view, reader, finder)
            if found is None:
                missed += 1
                continue
            seen = found.face.of_person(person_of(found.face.image, found.face.points))
            routes = [(found.face if kind else seen, kind) for kind in (found.render, Render(), None)]
            studio, unchanged, photo = (classes(reader.read(*route), found.scene) for route in routes)
            crop = crop_image(found.picture, _OF_CODE, crop_of(face_square(found.square, CLAY), *found.picture.size))
            logits = world.heads(world.autoencoder.encode(tensor_of(crop)))
            code = [int(logits[name][0].argmax()) for name in ATTRIBUTES]
            cases[tone].append(Case(found.scene, studio, unchanged, photo, code, found.render is not None))
    return [case for tone in SKIN_TONES for case in cases[tone]], missed


def classes(guess: Guess, truth: Scene) -> list[int]:
    """The classes of the most likely scene; a hat hides what distinguishes hair styles only if the face wears one."""
    person, view = scene_of(guess)
    found = true_classes(person, view)
    style = list(ATTRIBUTES).index("hair_style")
    found[style] = true_classes(person, truth[1])[style]
    return found


def accuracies(cases: list[Case], route: str) -> dict[str, float]:
    """Share of correct readings by attribute, over the images that can show it."""
    truth = np.array([true_classes(*case.scene) for case in cases])
    found = np.array([getattr(case, route) for case in cases])
    shown = truth != HIDDEN
    columns = [(name, list(ATTRIBUTES).index(name)) for name in READ]
    return {name: float((truth == found)[shown[:, k], k].mean()) for name, k in columns}


def accuracy_table(measures: dict[str, dict[str, float]]) -> str:
    """Accuracy by attribute, all together and by skin tone."""
    rows = {name.replace("_", " "): [f"{100 * row[name]:.0f} %" for row in measures.values()] for name in READ}
    return table("attribute", list(measures), rows)


def main() -> None:
    """Measure, and fill the card."""
    parser = argparse.ArgumentParser(description="Measure the clay likeness on test renders.")
    parser.add_argument("--each", type=int, default=600, help="faces of each skin tone")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="weights, and the card")
    options = parser.parse_args()
    torch.set_num_threads(1)
    reader, finder = Reader.from_folder(options.folder), load_finder()
    cases, missed = read_all(reader, finder, options.each)
    measures = {"all": accuracies(cases, "studio")}
    for tone in SKIN_TONES:
        measures[tone] = accuracies([case for case in cases if case.scene[0].skin_tone == tone], "studio")
    routes = {text: accuracies(cases, route) for route, text in ROUTES.items()}
    seen = sum(case.recognised for case in cases) / len(cases)
    report = {"faces": len(cases), "not_found": missed, "recognised": seen, "accuracy": measures, "routes": routes}
    (options.folder / "measures.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    card = options.folder / "README.md"
    text = fill(card.read_text(encoding="utf-8"), "accuracy", accuracy_table(measures))
    text = fill(text, "routes", accuracy_table(routes))
    card.write_text(fill(text, "hashes", hashes_table(options.folder)), encoding="utf-8")
    found = f"{len(cases)} faces, {missed} not found, {100 * seen:.0f} % recognised as renders"
    print(found, accuracy_table(measures), accuracy_table(routes), sep="\n")


if __name__ == "__main__":
    main()
