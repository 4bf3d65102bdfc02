"""The example images of the demo: `python -m clay.rendering.examples`.

People of the test split in chosen views. No network was trained on them.
"""

import argparse
from pathlib import Path

from PIL import Image

from clay.people.dataset import TEST, person
from clay.people.view import View

_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "examples"

# File name, index of the person in the test split, view.
EXAMPLES = (
    ("1-red-bun", 112, View(yaw=0.05, expression="smiling", background="teal", clothes="white")),
    ("2-black-hair", 23, View(yaw=-0.08, expression="neutral", background="teal", clothes="purple")),
    ("3-blonde-curls", 55, View(yaw=-0.15, expression="laughing", background="purple", clothes="yellow")),
    ("4-red-beard", 195, View(yaw=0.12, expression="neutral", background="yellow", clothes="blue")),
    ("5-mohawk", 34, View(yaw=0.2, expression="smiling", background="white", clothes="pink")),
    ("6-glasses", 125, View(yaw=-0.1, glasses="glasses", background="pink", clothes="teal")),
)  # fmt: skip
# Two similar people, for a morph.
PAIR = (
    ("pair/1-pink-pigtails", 15, View(yaw=0.03, background="teal", clothes="white")),
    ("pair/2-blonde-pigtails", 113, View(yaw=-0.03, background="teal", clothes="purple")),
)


def main() -> None:
    """Render the examples at 256 x 256 pixels and save them as PNG."""
    from clay.rendering.render import render  # numba is needed here only

    parser = argparse.ArgumentParser(description="Render the example images.")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="folder for the images")
    folder = parser.parse_args().folder
    for name, number, view in EXAMPLES + PAIR:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        image = render(person(TEST.first + number), view, size=256, samples=3)
        Image.fromarray(image).save(folder / f"{name}.png")


if __name__ == "__main__":
    main()
