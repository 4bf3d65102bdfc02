"""What do the face networks distinguish, and does steering through one affect another?

    python -m benchmarks.faces [--held-out NET.onnx] [--photos FOLDER] [--people 12] [--steps 40]

    clay         verification of rendered people at several sizes: three images each, with different pose and light
    photographs  views of one photograph (mirrored, half size, darker, blurred) compared with different people; two
                 faces in one photograph are two people. Two portraits in the public domain come with scikit-image
                 (Eileen Collins) and matplotlib (Grace Hopper), both in the extra `train`; a folder may contain more
    gradient     the slope of the identity loss along random directions, by automatic differentiation and by central
                 differences
    steering     the studio's run at 256 pixels, with one network in the loss, evaluated by the other one

There are no weights of a diffusion model of photographs here: the denoiser is the exact one for images with the power
spectrum of natural images (benchmarks/faces/spectrum.py), without faces. For comparison, the same number of gradient
steps is made on pixels.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.faces.experiments import RATES, Row, of_clay, of_photographs, of_steering, photographs, slopes
from clay.world import load_world
from losses.faces import load_face_network, load_onnx_network


def table(title: str, header: Row, rows: Sequence[Row]) -> None:
    """Print a table as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    print(f"\n### {title}\n", *("| " + " | ".join(map(str, line)) + " |" for line in lines), sep="\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.faces", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--held-out", type=Path, help="ONNX file of another face network")
    parser.add_argument("--photos", type=Path, help="folder of photographs")
    parser.add_argument("--people", type=int, default=12, help="number of rendered people")
    parser.add_argument("--steps", type=int, default=40, help="updates of a steering run")
    parser.add_argument("--keep", type=Path, help="folder for the steered images")
    given = parser.parse_args()
    real = {"dlib": load_face_network()}
    if given.held_out:
        real[given.held_out.stem] = load_onnx_network(given.held_out)
    faces = photographs(real["dlib"], given.photos)
    table("Photographs", ["network", "faces", "not found", *RATES], list(of_photographs(real, faces)))
    table(
        "Gradient", ["network", "length", "largest error", "finite"], list(slopes(real, faces["c"][0], faces["h"][0]))
    )
    rows = list(of_steering(real, faces["c"][0], faces["h"][0], given.steps, given.keep))
    table("Steering", ["loss", "method", *(f"by {name}" for name in real), "levels changed"], rows)
    clay = {**real, "clay identity": load_world().identity}
    table("Clay people", ["network", "size", "found", *RATES], list(of_clay(clay, given.people)))


if __name__ == "__main__":
    main()
