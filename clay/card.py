"""Write the figures into the model card: `python -m clay.card`.

The card (assets/clay/README.md) holds marked places; this fills them from measures.json and from the files
themselves, so that no figure in it is typed by hand.
"""

import argparse
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from clay.world import DEFAULT_FOLDER

_CARD = "README.md"


def classes_table(measures: dict[str, Any]) -> str:
    """Accuracy of CLIP (by prompt) and of the reader, beside always guessing the commonest class."""
    lines = ["| attribute | classes | commonest class | CLIP, by prompt | attribute reader |", "|---|---|---|---|---|"]
    for name, reader in measures["attributes"].items():
        clip = measures["clip"][name]
        figures = (reader["commonest"], clip["accuracy"], reader["accuracy"])
        cells = " | ".join(f"{100 * figure:.1f} %" for figure in figures)
        lines.append(f"| {name.replace('_', ' ')} | {reader['classes']} | {cells} |")
    return "\n".join(lines)


def identity_table(measures: dict[str, Any]) -> str:
    """Verification figures of both embedders."""
    rows = {
        "equal error rate": "eer",
        "equal error rate, same hair and skin tone": "eer_look_alikes",
        "true match rate at FMR 1 %": "tmr_at_fmr_1_percent",
        "true match rate at FMR 0.1 %": "tmr_at_fmr_0.1_percent",
    }
    lines = ["| | identity (for losses) | judge (never in a loss) |", "|---|---|---|"]
    for words, key in rows.items():
        cells = " | ".join(f"{100 * measures[name][key]:.1f} %" for name in ("identity", "judge"))
        lines.append(f"| {words} | {cells} |")
    for words, key in (("threshold at FMR 1 %", "fmr_1_percent"), ("threshold at FMR 0.1 %", "fmr_0.1_percent")):
        cells = " | ".join(f"{measures[name][key]:.3f}" for name in ("identity", "judge"))
        lines.append(f"| {words} | {cells} |")
    return "\n".join(lines)


def autoencoder_table(measures: dict[str, Any]) -> str:
    """Reconstruction figures."""
    figures = measures["autoencoder"]
    rows = {
        "PSNR from z and x_T": f"{figures['psnr_from_z_and_x_T_db']:.1f} dB",
        "PSNR from z and a fresh x_T": f"{figures['psnr_from_z_and_fresh_x_T_db']:.1f} dB",
        "PSNR of the coarse m(z)": f"{figures['psnr_of_coarse_mean_db']:.1f} dB",
        "decodings of z with a fresh x_T that the judge takes for the person (FMR 1 %)": (
            f"{100 * figures['judge_accepts_decoding_of_z']:.0f} %"
        ),
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {words} | {figure} |" for words, figure in rows.items())])


def hashes_table(folder: Path) -> str:
    """Size and SHA-256 of every weight file."""
    lines = ["| file | bytes | SHA-256 |", "|---|---|---|"]
    for path in sorted(folder.rglob("*.safetensors")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f"| {path.relative_to(folder).as_posix()} | {path.stat().st_size} | `{digest}` |")
    return "\n".join(lines)


def fill(card: str, name: str, content: str) -> str:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->`.

    Raises:
        ValueError: if the card has no such place.
    """
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(card):
        raise ValueError(f"The model card has no place for {name}: add <!-- {name} --> and <!-- /{name} -->.")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", card)


def main() -> None:
    """Fill the card in place."""
    parser = argparse.ArgumentParser(description="Write the figures into the model card.")
    parser.add_argument("--world", type=Path, default=DEFAULT_FOLDER, help="folder of the weights and the card")
    folder = parser.parse_args().world
    measures = json.loads((folder / "measures.json").read_text(encoding="utf-8"))
    card = (folder / _CARD).read_text(encoding="utf-8")
    for name, content in {
        "autoencoder": autoencoder_table(measures),
        "classes": classes_table(measures),
        "identity": identity_table(measures),
        "hashes": hashes_table(folder),
    }.items():
        card = fill(card, name, content)
    (folder / _CARD).write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main()
