import torch

from clay.likeness.frame import HALF
from clay.likeness.person import corrected
from clay.people.view import SEGMENTS

STEPS = torch.linspace(-HALF, HALF, 97)[1::2]
V, U = torch.meshgrid(STEPS, STEPS, indexing="ij")
FACE = (U.abs() < 0.9) & (V > -0.9) & (V < 1.4)
CAP = (U.abs() < 1.2) & (V > -1.6) & (V <= -0.9)
LONG = (U.abs() >= 0.9) & (U.abs() < 1.4) & (V > -0.9) & (V < 2.0)
BODY = (V >= 1.7) & (U.abs() < 0.9)
COLOURS = {
    "background": (0.9, 0.9, 0.95),
    "skin": (0.8, 0.6, 0.5),
    "hair": (0.2, 0.12, 0.08),
    "clothes": (0.2, 0.3, 0.8),
}


def parsed(**places):
    """Segments with these masks, and a photograph in which long hair and clothes have their colours."""
    out = torch.zeros(1, len(SEGMENTS), 48, 48)
    for name, place in places.items():
        out[0, SEGMENTS.index(name)] = place.float()
    out[0, SEGMENTS.index("background")] = 1 - out[0].sum(0)
    return 0.96 * out + 0.04 / len(SEGMENTS)


def photo():
    crop = torch.tensor(COLOURS["background"]).view(3, 1, 1).expand(3, 48, 48).clone()
    for name, place in (("skin", FACE), ("hair", CAP | LONG), ("clothes", BODY)):
        crop[:, place] = torch.tensor(COLOURS[name])[:, None]
    return (crop[None].repeat_interleave(2, 2).repeat_interleave(2, 3) * 2 - 1).clamp(-1, 1)


PERSON = (FACE | CAP | LONG | BODY)[None, None].float()
EVERYWHERE = torch.ones(1, 1, 48, 48)


def kinds(segments):
    return segments[0].argmax(0)


def test_hair_that_the_parser_takes_for_background_is_found_by_its_colour():
    segments = parsed(skin=FACE, hair=CAP, clothes=BODY)
    found = corrected(segments, photo(), PERSON, EVERYWHERE)
    assert (kinds(segments)[LONG] == SEGMENTS.index("background")).all()
    assert (kinds(found)[LONG] == SEGMENTS.index("hair")).float().mean() > 0.95
    assert torch.allclose(found.sum(1), torch.ones(1, 48, 48), atol=1e-4)


def test_what_the_parser_is_sure_of_stays():
    segments = parsed(skin=FACE, hair=CAP | LONG, clothes=BODY)
    found = corrected(segments, photo(), PERSON, EVERYWHERE)
    assert torch.equal(kinds(found), kinds(segments))


def test_hair_outside_of_the_person_becomes_background():
    behind = (U > 1.5) & (V < 0)
    found = corrected(parsed(skin=FACE, hair=CAP | behind), photo(), PERSON, EVERYWHERE)
    assert (kinds(found)[behind] == SEGMENTS.index("background")).all()


def test_clothes_of_another_colour_are_no_hair():
    segments = parsed(skin=FACE, hair=CAP, clothes=BODY & (U < 0))
    found = corrected(segments, photo(), PERSON, EVERYWHERE)
    open_ = BODY & (U > 0.1)
    assert (kinds(found)[open_] == SEGMENTS.index("clothes")).float().mean() > 0.9


def test_without_a_person_the_segments_are_not_changed():
    segments = parsed(skin=FACE, hair=CAP)
    assert torch.equal(corrected(segments, photo(), torch.zeros_like(PERSON), EVERYWHERE), segments)


def test_outside_of_the_photograph_nothing_is_corrected():
    segments, inside = parsed(skin=FACE, hair=CAP), EVERYWHERE.clone()
    inside[:, :, 24:] = 0
    found = corrected(segments, photo(), PERSON, inside)
    assert torch.equal(found[:, :, 24:], segments[:, :, 24:])
    assert not torch.equal(found[:, :, :24], segments[:, :, :24])


def test_a_beard_of_a_few_pixels_is_skin():
    lip = (U.abs() < 0.2) & (V > 0.9) & (V < 1.05)
    chin = (U.abs() < 0.6) & (V > 0.9) & (V < 1.4)
    small, large = (
        corrected(parsed(skin=FACE & ~beard, hair=CAP, beard=beard), photo(), PERSON, EVERYWHERE)
        for beard in (lip, chin)
    )
    assert (kinds(small)[lip] == SEGMENTS.index("skin")).all()
    assert (kinds(large)[chin] == SEGMENTS.index("beard")).all()
