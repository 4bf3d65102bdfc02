import pytest
import torch

from adjointdeis import StopOptions
from adjointdeis.guide.stopping import BatchStatus

FINE = torch.tensor([True, True, True])


def batch(stop=StopOptions(), finite=FINE, halvings=2, coupled=False):
    return BatchStatus(finite, stop, halvings, coupled)


def test_an_image_is_reached_at_the_threshold_and_the_others_go_on():
    found = batch(StopOptions(below=1.0))
    found.add_loss(torch.tensor([1.5, 1.0, 3.0]))
    assert found.status == ["moving", "reached", "moving"]
    found.add_loss(torch.tensor([0.9, 5.0, 3.0]))
    assert found.status == ["reached", "reached", "moving"]


def test_patience_counts_updates_without_a_new_lowest_loss():
    found = batch(StopOptions(patience=2, improvement=0.1))
    for losses in [(5.0, 5.0, 5.0), (4.0, 4.95, 6.0), (3.0, 4.95, 4.0)]:
        found.add_loss(torch.tensor(losses))
    assert found.status == ["moving", "settled", "moving"]
    found.add_loss(torch.tensor([3.0, 0.0, 4.0]))
    assert found.status == ["moving", "settled", "moving"]  # what has settled stays so
    found.add_loss(torch.tensor([3.0, 0.0, 4.0]))
    assert found.status == ["settled", "settled", "settled"]


def test_a_single_value_counts_for_all_images():
    found = batch(StopOptions(below=0.5))
    found.add_loss(torch.tensor(0.4))
    assert found.status == ["reached"] * 3


def test_rates_are_halved_image_by_image_until_one_has_failed():
    found = batch()
    for _ in range(2):
        found.halve(found.failing(torch.tensor([True, False, True])))
    assert found.rate.tolist() == [1.0, 0.25, 1.0]
    found.halve(found.failing(torch.tensor([True, False, True])))
    assert found.status == ["moving", "failed", "moving"]
    assert found.rate.tolist() == [1.0, 0.0, 1.0]
    assert not found.failing(torch.tensor([True, False, True])).any()


def test_a_common_rate_is_halved_for_all_and_begins_anew_without_the_failed():
    found, finite = batch(), torch.tensor([True, False, True])
    for _ in range(2):
        found.halve_all(found.failing(finite))
    assert found.rate.tolist() == [0.25] * 3
    found.halve_all(found.failing(finite))
    assert found.status == ["moving", "failed", "moving"]
    assert found.rate.tolist() == [1.0, 0.0, 1.0]


def test_images_that_share_a_variable_fail_together():
    found = batch(halvings=0, coupled=True)
    found.halve(found.failing(torch.tensor([True, False, True])))
    assert found.status == ["failed"] * 3
    assert batch(finite=torch.tensor([True, False, True]), coupled=True).status == ["failed"] * 3


def test_an_image_that_is_not_finite_at_the_start_has_failed():
    assert batch(finite=torch.tensor([True, False, True])).status == ["moving", "failed", "moving"]


def test_options_out_of_range_are_refused():
    with pytest.raises(ValueError, match="patience must be at least 1 update, or None; got 0"):
        StopOptions(patience=0)
    with pytest.raises(ValueError, match="improvement must be at least 0; got -1"):
        StopOptions(improvement=-1)
