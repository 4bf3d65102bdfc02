"""How well the clay likeness reads faces: `python -m benchmarks.likeness` fills assets/likeness/README.md.

Test people of the data set, equally many of each skin tone, rendered with 128 pixels and changed at random: exposure,
colour of the light, crop, blur and JPEG. A face that the detector does not find is left out, and counted. The readings
are compared with the true parameters, all together and by skin tone, and with two other routes: the reading of
photographs, and linear heads on the code z of the face's crop.
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

from clay.evaluation.card import fill, hashes_table
from clay.likeness.candidates import scene_of
from clay.likeness.guess import DEFAULT_FOLDER, Guess, Reader
from clay.people.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.people.dataset import TEST, Scene, scene
from clay.people.person import SKIN_TONES
from clay.rendering.render import render
from clay.world import load_world
from losses.faces import FaceFinder, load_finder
from studio.images.crop import crop_image
from studio.images.domain import LIMIT, domain_of_network
from studio.images.framing import CLAY, crop_of, face_square
from studio.images.likeness import CHECKED

_SIZE, _ENLARGED = 128, 256
_SEED = 5


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
        segments: classes by attribute, read from the face's segments, for a render (`clay.likeness.guess`).
        photo: the same, read as from a photograph.
        code: the same, from the code z of the face's crop by the linear heads (`clay.networks.heads`).
        score: out-of-distribution score of the crop, by which the studio recognises a render.
    """

    scene: Scene
    segments: list[int]
    photo: list[int]
    code: list[int]
    score: float


ROUTES = {"segments": "segments", "photo": "as a photograph", "code": "code z"}


def read_all(reader: Reader, finder: FaceFinder, each: int) -> tuple[list[Case], int]:
    """Faces, `each` of every skin tone, and how many were not found."""
    cases: dict[str, list[Case]] = defaultdict(list)
    world = load_world()  # of `CHECKED` pixels
    domain = domain_of_network(world.autoencoder)
    missed = 0
    for number in range(TEST.first, TEST.first + TEST.identities):
        for view in range(TEST.views):
            truth = scene(number, view)
            tone = truth[0].skin_tone
            if len(cases[tone]) >= each:
                continue
            picture = changed(render(*truth, _SIZE), np.random.default_rng((_SEED, number, view)))
            image = tensor_of(picture)
            faces = finder.find(image)
            if not faces:
                missed += 1
                continue
            segments, photo = (classes(reader.read(image, faces[0].points, kind), truth) for kind in (False, True))
            crop = crop_image(picture, CHECKED, crop_of(face_square(faces[0].square, CLAY), *picture.size))
            logits = world.heads(world.autoencoder.encode(tensor_of(crop)))
            code = [int(logits[name][0].argmax()) for name in ATTRIBUTES]
            cases[tone].append(Case(truth, segments, photo, code, domain.check(crop).score))
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
    return {name: float((truth == found)[shown[:, k], k].mean()) for k, name in enumerate(ATTRIBUTES)}


def table(measures: dict[str, dict[str, float]]) -> str:
    """Accuracy by attribute, all together and by skin tone."""
    lines = [f"| attribute | {' | '.join(measures)} |", "|---|" + "---|" * len(measures)]
    for name in ATTRIBUTES:
        lines.append(
            f"| {name.replace('_', ' ')} | {' | '.join(f'{100 * row[name]:.0f} %' for row in measures.values())} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, and fill the card."""
    parser = argparse.ArgumentParser(description="Measure the clay likeness on test renders.")
    parser.add_argument("--each", type=int, default=75, help="faces of each skin tone")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="weights, and the card")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cases, missed = read_all(Reader.from_folder(options.folder), load_finder(), options.each)
    measures = {"all": accuracies(cases, "segments")}
    for tone in SKIN_TONES:
        measures[tone] = accuracies([case for case in cases if case.scene[0].skin_tone == tone], "segments")
    routes = {text: accuracies(cases, route) for route, text in ROUTES.items()}
    seen = sum(case.score <= LIMIT for case in cases) / len(cases)
    report = {"faces": len(cases), "not_found": missed, "recognised": seen, "accuracy": measures, "routes": routes}
    (options.folder / "measures.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    card = options.folder / "README.md"
    text = fill(fill(card.read_text(encoding="utf-8"), "accuracy", table(measures)), "routes", table(routes))
    card.write_text(fill(text, "hashes", hashes_table(options.folder)), encoding="utf-8")
    found = f"{len(cases)} faces, {missed} not found, {100 * seen:.0f} % recognised as renders"
    print(found, table(measures), table(routes), sep="\n")


if __name__ == "__main__":
    main()
