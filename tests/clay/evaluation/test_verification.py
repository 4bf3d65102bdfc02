import numpy as np
import pytest

from clay.evaluation.verification import equal_error_rate, roc, thresholds_at, verify
from clay.people.person import Person
from clay.people.view import View


def embeddings(noise, people=40, views=4):
    rng = np.random.default_rng(0)
    vectors = np.repeat(rng.normal(size=(people, 32)), views, 0) + noise * rng.normal(size=(people * views, 32))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.repeat(np.arange(people), views)


def test_separated_people_have_no_verification_error():
    vectors, owners = embeddings(0.1)
    measures = verify(vectors, owners, [(Person(), View())] * len(owners))
    assert measures["eer"] == pytest.approx(0, abs=1e-3)
    assert measures["tmr_at_fmr_0.1_percent"] == 1
    assert measures["uncovered_tmr_at_fmr_0.1_percent"] == 1
    assert measures["people"] == 40


def test_pairs_with_a_covered_face_are_left_out_of_the_uncovered_figures():
    vectors, owners = embeddings(0.1)
    vectors[::4] = vectors[0]  # every first view looks the same, and wears a hat
    scenes = [(Person(), View(hat=i % 4 == 0)) for i in range(len(owners))]
    measures = verify(vectors, owners, scenes)
    assert measures["tmr_at_fmr_0.1_percent"] < 1
    assert measures["uncovered_tmr_at_fmr_0.1_percent"] == 1


def test_the_roc_rises_from_few_to_all_genuine_pairs_and_agrees_with_the_figures():
    vectors, owners = embeddings(1.0)
    rates, matched = roc(vectors, owners)
    assert (np.diff(matched) >= 0).all()
    assert matched[-1] == 1
    at = verify(vectors, owners, [(Person(), View())] * len(owners))["tmr_at_fmr_1_percent"]
    assert np.interp(0.01, rates, matched) == pytest.approx(at, abs=0.02)


def test_the_threshold_lets_the_stated_share_of_impostors_pass():
    vectors, owners = embeddings(1.0)
    limit = thresholds_at(vectors, owners)["fmr_1_percent"]
    cosines = (vectors @ vectors.T)[owners[:, None] != owners]
    assert (cosines > limit).mean() == pytest.approx(0.01, abs=1e-3)


def test_the_equal_error_rate_of_two_equal_distributions_is_a_half():
    values = np.random.default_rng(0).uniform(-1, 1, 4000)
    assert equal_error_rate(values, values) == pytest.approx(0.5, abs=0.01)
