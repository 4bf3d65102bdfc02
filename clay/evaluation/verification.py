"""Verification: are two pictures of one person, judged by the cosine of their embeddings.

FMR (false match rate): share of pairs of different people above a threshold; TMR (true match rate): share of
pairs of one person above it; EER: where FMR = 1 - TMR (ISO/IEC 19795-1).
"""

from collections.abc import Sequence

import numpy as np

from clay.people.circumstances import Circumstances
from clay.people.traits import Person

RATES = {"fmr_1_percent": 0.01, "fmr_0.1_percent": 0.001}


def pairs(embeddings: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
    """Cosines of all pairs, whether each pair is one person, and the pairs' two indices."""
    index = np.triu_indices(len(embeddings), 1)
    return (embeddings @ embeddings.T)[index], owners[index[0]] == owners[index[1]], index


def thresholds_at(embeddings: np.ndarray, owners: np.ndarray) -> dict[str, float]:
    """The cosines above which 1 % and 0.1 % of the pairs of different people lie."""
    cosines, same, _ = pairs(embeddings, owners)
    return {name: float(np.quantile(cosines[~same], 1 - rate)) for name, rate in RATES.items()}


def equal_error_rate(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """The error rate at the threshold where both kinds of error are equally frequent."""
    genuine, impostor = np.sort(genuine), np.sort(impostor)
    thresholds = np.linspace(-1, 1, 4001)
    missed = np.searchsorted(genuine, thresholds) / len(genuine)
    matched = 1 - np.searchsorted(impostor, thresholds) / len(impostor)
    best = int(np.argmin(np.abs(missed - matched)))
    return float((missed[best] + matched[best]) / 2)


def _rates(genuine: np.ndarray, impostor: np.ndarray) -> dict[str, float]:
    """EER, and TMR at both false match rates."""
    at = {f"tmr_at_{name}": float((genuine > np.quantile(impostor, 1 - rate)).mean()) for name, rate in RATES.items()}
    return {"eer": equal_error_rate(genuine, impostor), **at}


def verify(
    embeddings: np.ndarray, owners: np.ndarray, scenes: Sequence[tuple[Person, Circumstances]]
) -> dict[str, float]:
    """EER and TMR over all pairs; over pairs without hats and sunglasses; against look-alikes (same hair and skin)."""
    cosines, same, (first, second) = pairs(embeddings, owners)
    bare = np.array([not seen.hat and seen.glasses != "sunglasses" for _, seen in scenes])
    both = bare[first] & bare[second]
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
    """FMR from 1e-4 to 1 in equal ratios, and the TMR at each; (points,) both."""
    cosines, same, _ = pairs(embeddings, owners)
    rates = np.geomspace(1e-4, 1, points)
    thresholds = np.quantile(cosines[~same], 1 - rates)
    genuine = np.sort(cosines[same])
    return rates, 1 - np.searchsorted(genuine, thresholds, side="right") / len(genuine)
