"""Verification: are two pictures of one person, judged by the cosine of their embeddings.

FMR (false match rate): share of pairs of different people above a threshold; TMR (true match rate): share of
pairs of one person above it; EER: where FMR = 1 - TMR (ISO/IEC 19795-1).
"""

from collections.abc import Sequence

import numpy as np

from clay.circumstances import Circumstances
from clay.people import Person

_RATES = {"fmr_1_percent": 0.01, "fmr_0.1_percent": 0.001}


def pairs(embeddings: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
    """Cosines of all pairs, whether each pair is one person, and the pairs' two indices."""
    index = np.triu_indices(len(embeddings), 1)
    return (embeddings @ embeddings.T)[index], owners[index[0]] == owners[index[1]], index


def thresholds_at(embeddings: np.ndarray, owners: np.ndarray) -> dict[str, float]:
    """The cosines above which 1 % and 0.1 % of the pairs of different people lie."""
    cosines, same, _ = pairs(embeddings, owners)
    return {name: float(np.quantile(cosines[~same], 1 - rate)) for name, rate in _RATES.items()}


def equal_error_rate(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """The error rate at the threshold where both kinds of error are equally frequent."""
    genuine, impostor = np.sort(genuine), np.sort(impostor)
    thresholds = np.linspace(-1, 1, 4001)
    missed = np.searchsorted(genuine, thresholds) / len(genuine)
    matched = 1 - np.searchsorted(impostor, thresholds) / len(impostor)
    best = np.abs(missed - matched).argmin()
    return float((missed[best] + matched[best]) / 2)


def verify(
    embeddings: np.ndarray, owners: np.ndarray, scenes: Sequence[tuple[Person, Circumstances]]
) -> dict[str, float]:
    """EER, TMR at both false match rates, and the EER against look-alikes only (same hair and skin tone)."""
    cosines, same, (first, second) = pairs(embeddings, owners)
    genuine, impostor = cosines[same], cosines[~same]
    names = [person.hair_style + person.hair_colour + person.skin_tone for person, _ in scenes]
    looks = np.unique(names, return_inverse=True)[1]
    alike = cosines[(looks[first] == looks[second]) & ~same]
    return {
        "eer": equal_error_rate(genuine, impostor),
        "eer_look_alikes": equal_error_rate(genuine, alike),
        "tmr_at_fmr_1_percent": float((genuine > np.quantile(impostor, 0.99)).mean()),
        "tmr_at_fmr_0.1_percent": float((genuine > np.quantile(impostor, 0.999)).mean()),
        "people": len(np.unique(owners)),
        "pictures": len(owners),
    }
