"""Test images without photographs, and the recorded results of the package's JavaScript for them.

`python -m tests.losses.faces.pictures NODE_MODULES` runs the package again and writes recorded.json; node_modules
must hold @vladmandic/face-api 1.7.15, @tensorflow/tfjs 4.22.0 and @tensorflow/tfjs-backend-wasm 4.22.0.
"""

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from losses.faces.align import Square, chip

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[2] / "assets" / "examples"
RECORDED = HERE / "recorded.json"
SIZES = (160, 416)


def whole_pixels(points):
    """The package's square: upright, rounded down to whole pixels, at least 0; points (68, 2) in pixels."""
    ours = chip(points)
    (x, y), side = ours.at(0.5, 0.43), math.floor(ours.side)
    left, top = math.floor(max(0.0, x - 0.5 * side)), math.floor(max(0.0, y - 0.43 * side))
    return Square(left + side / 2, top + side / 2, side)


def clay(name, step=1):
    """An example of the clay world, 256 x 256, or every `step`-th pixel of it."""
    return np.asarray(Image.open(EXAMPLES / f"{name}.png").convert("RGB"))[::step, ::step]


def waves():
    y, x = np.mgrid[:150, :150]
    return np.stack([x * 255 // 149, y * 255 // 149, (x * x + 3 * y * y) // 17 % 256], -1).astype(np.uint8)


def noise():
    """Bytes of a linear congruential generator, 97 x 201."""
    values, state = bytearray(), 1
    for _ in range(97 * 201 * 3):
        state = (1103515245 * state + 12345) % 2**31
        values.append(state >> 16 & 255)
    return np.frombuffer(bytes(values), np.uint8).reshape(97, 201, 3)


def group():
    """Three clay people of two sizes in one wide picture."""
    canvas = np.full((300, 640, 3), 200, np.uint8)
    canvas[80:208, 20:148] = clay("4-red-beard", 2)
    canvas[20:276, 180:436] = clay("2-black-hair")
    canvas[60:188, 480:608] = clay("6-glasses", 2)
    return canvas


def pictures():
    faces = {name: clay(name) for name in ("1-red-bun", "2-black-hair", "4-red-beard", "6-glasses")}
    return {"waves": waves(), "noise": noise(), "group": group(), **faces}


def as_image(pixels):
    """(h, w, 3) uint8 -> (1, 3, h, w) in [-1, 1]."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


def ask_the_package(modules, shown, sizes=SIZES):
    """The results of parity.mjs for these images."""
    with tempfile.TemporaryDirectory() as folder:
        listing = []
        for number, (name, pixels) in enumerate(shown.items()):
            file = Path(folder) / str(number)
            file.write_bytes(pixels.tobytes())
            size = {"height": pixels.shape[0], "width": pixels.shape[1], "sizes": list(sizes)}
            listing.append({"name": name, "file": str(file), **size})
        (Path(folder) / "pictures.json").write_text(json.dumps(listing))
        command = ["node", str(HERE / "parity.mjs"), str(modules), str(Path(folder) / "pictures.json")]
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    return json.loads(answer[answer.index('{"backend"') :])


def main():
    answer = ask_the_package(Path(sys.argv[1]), pictures())
    for found in answer["found"].values():
        found["raw"] = {size: values[:25] for size, values in found["raw"].items()}
    RECORDED.write_text(json.dumps(answer, separators=(",", ":")).replace('"noise"', '\n"noise"') + "\n")


if __name__ == "__main__":
    main()
