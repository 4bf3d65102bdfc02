"""How well the clay likeness reads faces: `python -m benchmarks.likeness` fills assets/likeness/README.md.

Test people of the data set, equally many of each skin tone, rendered with 128 pixels and changed at random: exposure,
colour of the light, crop, blur and JPEG. A face that the detector does not find is left out, and counted. The readings
are compared with the true parameters, all together and by skin tone.
"""

from __future__ import annotations

import argparse
import io
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter

from clay.evaluation.card import fill, hashes_table
from clay.likeness.candidates import scene_of
from clay.likeness.guess import DEFAULT_FOLDER, Reader
from clay.people.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.people.dataset import TEST, Scene, scene
from clay.people.person import SKIN_TONES
from clay.rendering.render import render
from losses.faces import FaceFinder, load_finder

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


def read_all(reader: Reader, finder: FaceFinder, each: int) -> tuple[list[tuple[Scene, Scene]], int]:
    """True and read scenes, `each` of every skin tone, and how many faces were not found."""
    pairs: dict[str, list[tuple[Scene, Scene]]] = defaultdict(list)
    missed = 0
    for number in range(TEST.first, TEST.first + TEST.identities):
        for view in range(TEST.views):
            truth = scene(number, view)
            tone = truth[0].skin_tone
            if len(pairs[tone]) >= each:
                continue
            rng = np.random.default_rng((_SEED, number, view))
            image = tensor_of(changed(render(*truth, _SIZE), rng))
            faces = finder.find(image)
            if not faces:
                missed += 1
                continue
            pairs[tone].append((truth, scene_of(reader.read(image, faces[0].points))))
    return [pair for tone in SKIN_TONES for pair in pairs[tone]], missed


def accuracies(pairs: list[tuple[Scene, Scene]]) -> dict[str, float]:
    """Share of correct readings by attribute, over the images that can show it."""
    truth, found = (np.array([true_classes(*pair[k]) for pair in pairs]) for k in (0, 1))
    # a hat hides what distinguishes the hair styles, whether it was found or not
    styles = [true_classes(read[0], true[1])[1] for true, read in pairs]
    found[:, list(ATTRIBUTES).index("hair_style")] = styles
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
    pairs, missed = read_all(Reader.from_folder(options.folder, usual=False), load_finder(), options.each)
    measures = {"all": accuracies(pairs)}
    for tone in SKIN_TONES:
        measures[tone] = accuracies([pair for pair in pairs if pair[0][0].skin_tone == tone])
    report = {"faces": len(pairs), "not_found": missed, "accuracy": measures}
    (options.folder / "measures.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    card = options.folder / "README.md"
    text = fill(card.read_text(encoding="utf-8"), "accuracy", table(measures))
    card.write_text(fill(text, "hashes", hashes_table(options.folder)), encoding="utf-8")
    print(f"{len(pairs)} faces, {missed} not found", table(measures), sep="\n")


if __name__ == "__main__":
    main()
