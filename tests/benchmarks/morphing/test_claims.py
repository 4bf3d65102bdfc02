from benchmarks.morphing.claims import CLAIMS, checked, verdict
from benchmarks.morphing.plan import ODE, every_method
from tests.benchmarks.rows import morph_row as row


def test_claims_are_about_existing_methods_and_decided_by_confidence():
    assert all({claim.better, claim.worse} <= set(every_method()) for claim in CLAIMS)
    assert [verdict(c) for c in (0.99, 0.5, 0.01)] == ["holds", "is open", "is reversed"]
    rows = [row(k) for k in range(4)] + [row(k, convolutional=-0.1, transformer=-0.1, method="DiM") for k in range(4)]
    lines = list(checked(rows))[2:]
    assert lines == [f"| table 1 | {ODE} | DiM | 100 (100 to 100) | 4 | 100 % | 100 % | holds |"]
