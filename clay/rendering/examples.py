"""The example pictures that come with the demo: `python -m clay.rendering.examples`.

People of the test split, seen in chosen circumstances; no network was trained on any of them.
"""

import argparse
from pathlib import Path

from PIL import Image

from clay.people.circumstances import Circumstances
from clay.people.dataset import TEST, person

_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "examples"

# File name, number of the person in the test split, circumstances.
EXAMPLES = (
    ("1-red-bun", 112, Circumstances(yaw=0.05, expression="smiling", background="teal", clothes="white")),
    ("2-black-hair", 23, Circumstances(yaw=-0.08, expression="neutral", background="teal", clothes="purple")),
    ("3-blonde-curls", 55, Circumstances(yaw=-0.15, expression="laughing", background="purple", clothes="yellow")),
    ("4-red-beard", 195, Circumstances(yaw=0.12, expression="neutral", background="yellow", clothes="blue")),
    ("5-mohawk", 34, Circumstances(yaw=0.2, expression="smiling", background="white", clothes="pink")),
    ("6-glasses", 125, Circumstances(yaw=-0.1, glasses="glasses", background="pink", clothes="teal")),
)  # fmt: skip
# Look-alikes, for a morph.
PAIR = (
    ("pair/1-pink-pigtails", 15, Circumstances(yaw=0.03, background="teal", clothes="white")),
    ("pair/2-blonde-pigtails", 113, Circumstances(yaw=-0.03, background="teal", clothes="purple")),
)


def main() -> None:
    """Render and save the examples, 256 x 256 pixels."""
    from clay.rendering.render import render  # numba is needed here only

    parser = argparse.ArgumentParser(description="Render the example pictures.")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where the pictures go")
    folder = parser.parse_args().folder
    for name, number, seen in EXAMPLES + PAIR:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        picture = render(person(TEST.first + number), seen, size=256, samples=3)
        Image.fromarray(picture).save(folder / f"{name}.png")


if __name__ == "__main__":
    main()
