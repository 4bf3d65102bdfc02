import pytest
import torch

from clay.likeness.measures import (
    CELLS,
    COLOURS,
    PLACES,
    background_and_clothes,
    colours,
    hair_light,
    hair_seen,
    places,
)
from clay.people.view import SEGMENTS


def segments(**boxes):
    """Probabilities (1, segments, 48, 48): background, and rectangles (top, bottom, left, right) of other segments."""
    out = torch.zeros(1, len(SEGMENTS), 48, 48)
    out[:, 0] = 1
    for name, (top, bottom, left, right) in boxes.items():
        out[:, :, top:bottom, left:right] = 0
        out[:, SEGMENTS.index(name), top:bottom, left:right] = 1
    return out


FACE = segments(hair=(4, 16, 14, 34), skin=(16, 36, 16, 32), clothes=(40, 48, 8, 40))


def painted(found, **values):
    """An image in which each segment has one colour, 0 to 1."""
    image = torch.zeros(1, 3, 48, 48)
    for name, colour in values.items():
        image += found[:, [SEGMENTS.index(name)]] * torch.tensor(colour).view(1, 3, 1, 1)
    return torch.nn.functional.interpolate(image, scale_factor=2, mode="nearest") * 2 - 1


def test_places_are_the_shares_of_the_cells():
    found = places(FACE).view(len(SEGMENTS), CELLS, CELLS)
    assert found.numel() == PLACES
    assert torch.allclose(found.sum(0), torch.ones(CELLS, CELLS))
    assert found[SEGMENTS.index("clothes"), 7, 3] == 1
    assert found[SEGMENTS.index("hair"), 7].sum() == 0


def test_the_colour_of_each_segment_is_found():
    image = painted(FACE, skin=(0.8, 0.6, 0.5), hair=(0.2, 0.1, 0.05), background=(0.5, 0.5, 0.9))
    found = colours(image, FACE)
    assert found.shape == (1, COLOURS)
    skin, hair = (torch.log2(0.02 + torch.tensor(one)) for one in ((0.8, 0.6, 0.5), (0.2, 0.1, 0.05)))
    assert torch.allclose(found[0, :4], torch.cat([skin, torch.ones(1)]), atol=1e-3)
    assert torch.allclose(found[0, 4:7], hair, atol=1e-3)


def test_a_segment_that_is_not_seen_has_no_colour():
    found = colours(painted(FACE, skin=(0.8, 0.6, 0.5)), FACE)
    assert found[0, 8:12].tolist() == [0, 0, 0, 0]  # no beard


def test_the_light_of_hair_is_that_of_its_colour_or_of_average_hair():
    image = painted(FACE, skin=(0.8, 0.6, 0.5), hair=(0.4, 0.2, 0.1))
    hair = torch.log2(0.02 + torch.tensor([0.4, 0.2, 0.1]))
    found = hair_light(colours(image, FACE))
    torch.testing.assert_close(found, torch.stack([hair.mean(), hair[0] - hair[2]])[None], atol=2e-3, rtol=0)
    bald = segments(skin=(8, 36, 16, 32))
    average = hair_light(colours(painted(bald, skin=(0.8, 0.6, 0.5)), bald))
    assert average.tolist() == [pytest.approx([-1.94, 0.48])]


def test_background_and_clothes_are_medians_and_may_be_missing():
    image = painted(FACE, background=(0.2, 0.4, 0.9), clothes=(0.7, 0.1, 0.1))
    background, clothes = background_and_clothes(image, FACE)
    assert background.tolist() == pytest.approx([0.2, 0.4, 0.9], abs=1e-3)
    assert clothes is not None
    assert clothes.tolist() == pytest.approx([0.7, 0.1, 0.1], abs=1e-3)
    assert background_and_clothes(image, segments(skin=(10, 40, 10, 40)))[1] is None


def test_brows_are_not_seen_as_hair():
    assert hair_seen(FACE)
    assert not hair_seen(segments(skin=(16, 36, 16, 32), hair=(20, 21, 17, 31)))
