"""Face verification by the cosine of two embeddings.

FMR (false match rate): share of pairs of different people above a threshold. TMR (true match rate): share of pairs of
one person above it. EER (equal error rate): FMR at the threshold where FMR = 1 - TMR (ISO/IEC 19795-1).
"""

from collections.abc import Sequence

import numpy as np

from clay.people.person import Person
from clay.people.view import View

RATES = {"fmr_1_percent": 0.01, "fmr_0.1_percent": 0.001}


def pairs(embeddings: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
    """Cosine of each pair of embeddings, whether it is one person, and the two indices of each pair.

    Args:
        embeddings: unit vectors (n, d).
        owners: identity of each, (n,).
    """
    index = np.triu_indices(len(embeddings), 1)
    return (embeddings @ embeddings.T)[index], owners[index[0]] == owners[index[1]], index


def thresholds_at(embeddings: np.ndarray, owners: np.ndarray) -> dict[str, float]:
    """By name in `RATES`, the threshold with that false match rate on these embeddings (n, d) of `owners` (n,)."""
    cosines, same, _ = pairs(embeddings, owners)
    return {name: float(np.quantile(cosines[~same], 1 - rate)) for name, rate in RATES.items()}


def equal_error_rate(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """The error rate at the threshold where both kinds of error are equally frequent.

    Args:
        genuine: cosines of pairs of one person.
        impostor: cosines of pairs of different people.
    """
    genuine, impostor = np.sort(genuine), np.sort(impostor)
    thresholds = np.linspace(-1, 1, 4001)
    missed = np.searchsorted(genuine, thresholds) / len(genuine)
    matched = 1 - np.searchsorted(impostor, thresholds) / len(impostor)
    best = int(np.argmin(np.abs(missed - matched)))
    return float((missed[best] + matched[best]) / 2)


def _rates(genuine: np.ndarray, impostor: np.ndarray) -> dict[str, float]:
    """EER, and TMR at the false match rates in `RATES`."""
    at = {f"tmr_at_{name}": float((genuine > np.quantile(impostor, 1 - rate)).mean()) for name, rate in RATES.items()}
    return {"eer": equal_error_rate(genuine, impostor), **at}


def verify(embeddings: np.ndarray, owners: np.ndarray, scenes: Sequence[tuple[Person, View]]) -> dict[str, float]:
    """EER and TMR over all pairs, over pairs without hats and sunglasses, and the EER of similar people.

    Args:
        embeddings: unit vectors (n, d).
        owners: identity of each, (n,).
        scenes: scene of each. Similar people have the same hair style, hair colour and skin tone.
    """
    cosines, same, (first, second) = pairs(embeddings, owners)
    uncovered_face = np.array([not view.hat and view.glasses != "sunglasses" for _, view in scenes])
    both = uncovered_face[first] & uncovered_face[second]
    names = [person.hair_style + person.hair_colour + person.skin_tone for person, _ in scenes]
    looks = np.unique(names, return_inverse=True)[1]
    alike = cosines[(looks[first] == looks[second]) & ~same]
    uncovered = _rates(cosines[same & both], cosines[~same & both])
    return {
        **_rates(cosines[same], cosines[~same]),
        **{f"uncovered_{name}": value for name, value in uncovered.items()},
        "eer_look_alikes": equal_error_rate(cosines[same], alike),
        "people": len(np.unique(owners)),
        "pictures": len(owners),
    }


def roc(embeddings: np.ndarray, owners: np.ndarray, points: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """FMR from 1e-4 to 1, logarithmically spaced, and the TMR at each; two arrays (points,)."""
    cosines, same, _ = pairs(embeddings, owners)
    rates = np.geomspace(1e-4, 1, points)
    thresholds = np.quantile(cosines[~same], 1 - rates)
    genuine = np.sort(cosines[same])
    return rates, 1 - np.searchsorted(genuine, thresholds, side="right") / len(genuine)
