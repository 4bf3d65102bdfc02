"""Write the tables of the model card: `python -m clay.evaluation.card`.

The card (assets/clay/README.md) has marked sections. This module fills them from measures.json and from the weight
files, so no figure in them is typed by hand.
"""

import argparse
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

from clay.world import DEFAULT_FOLDER, EMBEDDERS, HELD_OUT

_CARD = "README.md"
PARTS = ("clip", "heads", "attributes")


def table(head: str, columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    """Markdown: a row for each name, with a cell for each column; `head` is that of the names."""
    top = [" ".join(["|", *head.split(), "|", " | ".join(columns), "|"]), "|---|" + "---|" * len(columns)]
    return "\n".join([*top, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items())])


def classes_table(measures: dict[str, Any]) -> str:
    """Accuracy of CLIP (zero-shot), heads and attribute classifier, and the share of the most frequent class.

    A mean is over the attributes that a network was measured on.
    """
    lines = [
        "| attribute | classes | most frequent class | CLIP, zero-shot | heads on z (for losses) "
        "| attribute classifier (held out) |",
        "|---|---|---|---|---|---|",
    ]
    for name, classifier in measures["attributes"].items():
        figures = [measures[part][name]["accuracy"] if name in measures[part] else None for part in PARTS]
        cells = ["-" if figure is None else _per_cent(figure) for figure in (classifier["commonest"], *figures)]
        lines.append(f"| {name.replace('_', ' ')} | {classifier['classes']} | {' | '.join(cells)} |")
    means = [sum(row["accuracy"] for row in measures[part].values()) / len(measures[part]) for part in PARTS]
    lines.append(f"| mean | | | {' | '.join(map(_per_cent, means))} |")
    return "\n".join(lines)


def _per_cent(value: float) -> str:
    return f"{100 * value:.1f} %"


def identity_table(measures: dict[str, Any]) -> str:
    """Verification rates of all embedders."""
    rows = {
        "equal error rate": "eer",
        "equal error rate, people with the same hair and skin tone": "eer_look_alikes",
        "true match rate at FMR 1 %": "tmr_at_fmr_1_percent",
        "true match rate at FMR 0.1 %": "tmr_at_fmr_0.1_percent",
        "true match rate at FMR 0.1 %, faces without hat and sunglasses": "uncovered_tmr_at_fmr_0.1_percent",
    }
    cells = {words: [_per_cent(measures[name][key]) for name in EMBEDDERS] for words, key in rows.items()}
    for words, key in (("threshold at FMR 1 %", "fmr_1_percent"), ("threshold at FMR 0.1 %", "fmr_0.1_percent")):
        cells[words] = [f"{measures[name][key]:.3f}" for name in EMBEDDERS]
    return table("", ["identity (for losses)", *(f"{name} (held out)" for name in HELD_OUT)], cells)


def autoencoder_table(measures: dict[str, Any]) -> str:
    """Reconstruction errors, the Frechet distance of samples, and the time of one sample.

    The figures of a second autoencoder (`clay.evaluation.measure --against`) follow after a stroke.
    """
    models = [name for name in ("", "_against") if f"autoencoder{name}" in measures]

    def both(show: Callable[[float], str], part: str, *keys: str) -> str:
        return " / ".join(show(reduce(getitem, keys, measures[part + name])) for name in models)

    few = measures["autoencoder"]["few_sampling_steps"]
    lines = ["| | PSNR, dB | SSIM | perceptual distance |", "|---|---|---|---|"]
    for words, key in (
        ("reconstruction from z and x_T", "from_z_and_x_T"),
        ("sample from z and a random x_T", "from_z_and_fresh_x_T"),
        (f"the same in {few} steps", "from_z_and_fresh_x_T_in_few_steps"),
        ("coarse image m(z)", "coarse_mean"),
    ):
        cells = (("psnr_db", "{:.1f}"), ("ssim", "{:.3f}"), ("perceptual", "{:.3f}"))
        shown = [both(digits.format, "autoencoder", key, field) for field, digits in cells]
        lines.append(f"| {words} | {' | '.join(shown)} |")
    accepted = ", ".join(
        f"{name} {both(_per_cent, 'autoencoder', 'accepted_as_the_person', name)}"
        for name in measures["autoencoder"]["accepted_as_the_person"]
    )
    samples = measures["samples"]
    lines += [
        "",
        f"Share of samples from z and a random x_T that are accepted as the person at FMR 0.1 %: {accepted}. "
        f"Frechet distance between {samples['samples']} test images and samples from their z with a random x_T, in 128 "
        f"features of the attribute classifier: {both('{:.3f}'.format, 'samples', 'frechet_distance')}, in {few} steps "
        f"{both('{:.3f}'.format, 'samples', 'frechet_distance_in_few_steps')}. One sample of 20 steps took "
        f"{measures['speed']['ddim_20_batch_1_seconds']:.2f} s.",
    ]
    return "\n".join(lines)


def hashes_table(folder: Path) -> str:
    """Size and SHA-256 of each weight file in `folder`."""
    lines = ["| file | bytes | SHA-256 |", "|---|---|---|"]
    for path in sorted(folder.rglob("*.safetensors")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f"| {path.relative_to(folder).as_posix()} | {path.stat().st_size} | `{digest}` |")
    return "\n".join(lines)


def fill(card: str, name: str, content: str) -> str:
    """The card with new content between `<!-- name -->` and `<!-- /name -->`.

    Raises:
        ValueError: the card has no such section.
    """
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(card):
        raise ValueError(f"The model card has no section {name}: add <!-- {name} --> and <!-- /{name} -->.")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", card)


def main() -> None:
    """Fill the sections of the card in place: the hashes, and the measures if there are any."""
    parser = argparse.ArgumentParser(description="Write the tables of the model card.")
    parser.add_argument("--world", type=Path, default=DEFAULT_FOLDER, help="folder of the weights and the card")
    folder = parser.parse_args().world
    card = (folder / _CARD).read_text(encoding="utf-8")
    sections = {"hashes": hashes_table(folder)}
    if (file := folder / "measures.json").is_file():
        measures = json.loads(file.read_text(encoding="utf-8"))
        sections |= {
            "autoencoder": autoencoder_table(measures),
            "classes": classes_table(measures),
            "identity": identity_table(measures),
        }
    for name, content in sections.items():
        card = fill(card, name, content)
    (folder / _CARD).write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main()
