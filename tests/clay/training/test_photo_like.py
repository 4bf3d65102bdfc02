import torch

from clay.people.view import SEGMENTS
from clay.training import photo_like as changes


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


MARKS = torch.zeros(8, 1, 48, 48, dtype=torch.long)
MARKS[:, :, 10:38, 12:36] = SEGMENTS.index("skin")
MARKS[:, :, 4:14, 12:36] = SEGMENTS.index("hair")
IMAGE = torch.rand(8, 3, 48, 48, generator=generator(1)) * 0.2 + 0.4


def test_the_same_seed_gives_the_same_image_in_range():
    image = changes.photo_like(IMAGE, MARKS, generator())
    assert torch.equal(image, changes.photo_like(IMAGE, MARKS, generator()))
    assert image.shape == IMAGE.shape
    assert image.min() >= 0
    assert image.max() <= 1


def test_a_new_background_changes_nothing_else():
    image = changes.new_background(IMAGE, MARKS, generator())
    behind = (MARKS == 0).expand_as(image)
    assert torch.equal(image[~behind], IMAGE[~behind])
    assert (image != IMAGE).any(1).flatten(1).any(1).sum() >= 3


def test_only_hair_is_recoloured():
    image = changes.recoloured_hair(IMAGE, MARKS, generator())
    hair = (SEGMENTS.index("hair") == MARKS).expand_as(image)
    assert torch.equal(image[~hair], IMAGE[~hair])
    assert not torch.equal(image[hair], IMAGE[hair])


def test_textures_stay_inside_of_their_segments():
    image = changes.textured(IMAGE, MARKS, generator())
    behind = (MARKS == 0).expand_as(image)
    assert torch.equal(image[behind], IMAGE[behind])


def test_shadows_only_darken():
    assert (changes.shaded(IMAGE, generator()) <= IMAGE + 1e-6).all()


def test_only_the_beard_turns_grey():
    marks = MARKS.clone()
    marks[:, :, 30:36, 16:32] = SEGMENTS.index("beard")
    image = changes.grizzled(IMAGE, marks, generator())
    beard = (marks == SEGMENTS.index("beard")).expand_as(image)
    assert torch.equal(image[~beard], IMAGE[~beard])
    assert not torch.equal(image[beard], IMAGE[beard])


def test_sockets_are_dark_around_the_eyes_only():
    image = changes.sunken_eyes(IMAGE, generator(3))
    darker = IMAGE - image
    assert (darker >= -1e-6).all()
    assert darker[:, :, 20:28].max() > 0.05
    assert darker[:, :, 40:].max() < 1e-3


def test_folds_are_on_the_skin_of_some_images():
    image = changes.wrinkled(IMAGE, MARKS, generator())
    skin = (SEGMENTS.index("skin") == MARKS).expand_as(image)
    assert torch.equal(image[~skin], IMAGE[~skin])
    assert 1 <= (image != IMAGE).flatten(1).any(1).sum() < len(IMAGE)


def test_glasses_are_drawn_around_the_eyes_of_those_who_wear_them():
    worn = torch.arange(8) % 2 == 0
    image, marks = changes.spectacled(IMAGE, MARKS, worn, generator())
    frames = marks == SEGMENTS.index("frames")
    assert torch.equal(image[~worn], IMAGE[~worn])
    assert not frames[~worn].any()
    rows = frames[worn].any(3)[:, 0]
    assert frames[worn].flatten(1).any(1).sum() >= 3  # the thinnest are no segment
    assert not rows[:, :12].any()
    assert not rows[:, 36:].any()
    assert torch.equal(marks[~frames], MARKS[~frames])


def test_eyes_become_lower_never_wider_and_nothing_far_from_them_moves():
    eyes = SEGMENTS.index("eyes")
    marks = MARKS.clone()
    for left in (15, 27):
        marks[:, :, 21:27, left : left + 6] = eyes
    image, changed = changes.narrowed(IMAGE, marks, generator())
    rows = (changed == eyes).any(3).sum((1, 2))
    assert (rows <= 6).all()
    assert (rows <= 4).sum() >= 3
    assert (rows == 6).any()  # two of ten faces keep their eyes
    far = torch.cat([image[:, :, :6], image[:, :, 40:]], 2) - torch.cat([IMAGE[:, :, :6], IMAGE[:, :, 40:]], 2)
    assert far.abs().max() < 1e-3
    assert torch.equal(changed[:, :, 40:], marks[:, :, 40:])
    assert {int(one) for one in changed.unique()} == {int(one) for one in marks.unique()}


def test_brims_belong_to_hats_and_have_their_colour():
    hat = SEGMENTS.index("hat")
    marks = MARKS.clone()
    marks[:4, :, 2:16, 10:38] = hat
    image = IMAGE.clone()
    image[:4, :, 2:16, 10:38] = torch.tensor([0.0, 0.8, 0.0]).view(1, 3, 1, 1)
    found, changed = changes.brimmed(image, marks, generator())
    assert torch.equal(found[4:], image[4:])
    assert torch.equal(changed[4:], marks[4:])
    new = (changed == hat) & (marks != hat)
    assert new.flatten(1).any(1).sum() >= 1
    for one, brim in zip(found, new, strict=True):
        shown = one[:, brim[0]]
        if shown.numel():
            worn = one[:, 2:6, 12:30].mean((1, 2))  # the middle of the hat
            assert ((shown / shown.sum(0) - (worn / worn.sum())[:, None]).abs() < 0.02).all()
    assert torch.equal(changed[changed != hat], marks[changed != hat])
    assert not new[:, :, 22:].any()  # above the eyes


def test_brows_darken_the_skin_above_the_eyes_only():
    image = changes.browed(IMAGE, MARKS, generator(2))
    darker = IMAGE - image
    assert darker[:, :, 14:24].max() > 0.1
    assert darker[:, :, 25:].abs().max() < 0.01
    assert torch.equal(
        image[MARKS.expand_as(image) != SEGMENTS.index("skin")], IMAGE[MARKS.expand_as(IMAGE) != SEGMENTS.index("skin")]
    )
