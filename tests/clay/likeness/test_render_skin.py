import torch

from clay.likeness.exposure import UNCHANGED, Exposure
from clay.likeness.render_skin import SKIN_MEASURES, RenderSkin, skin_measures
from clay.people.view import SEGMENTS

DARKER = Exposure(torch.full((3,), 0.8), 1.0)


def measures(exposure, skin=True):
    generator = torch.Generator().manual_seed(0)
    crop = torch.rand(1, 3, 96, 96, generator=generator) * 1.4 - 0.8
    segments = torch.zeros(1, len(SEGMENTS), 48, 48)
    segments[:, SEGMENTS.index("background")] = 1
    if skin:
        segments[:, :, 12:36, 12:36] = 0
        segments[:, SEGMENTS.index("skin"), 12:36, 12:36] = 1
    return skin_measures(crop, segments, exposure)


def test_both_halves_agree_without_a_change_of_exposure():
    found = measures(UNCHANGED)
    assert found.shape == (1, SKIN_MEASURES)
    assert torch.allclose(*found.chunk(2, dim=1), atol=1e-4)


def test_an_undone_exposure_moves_the_second_half_alone():
    found, plain = measures(DARKER), measures(UNCHANGED)
    assert torch.equal(found.chunk(2, dim=1)[0], plain.chunk(2, dim=1)[0])
    raised = (found - plain).chunk(2, dim=1)[1][0, -18:]
    assert (raised > 0.15).all()  # log2(1 / 0.8) = 0.32, less near black


def test_a_face_without_visible_skin_has_finite_measures():
    assert measures(DARKER, skin=False).isfinite().all()


def test_the_skin_is_read_from_all_measures_and_can_be_saved(tmp_path):
    torch.manual_seed(0)
    network = RenderSkin(16)
    network(torch.randn(64, SKIN_MEASURES))  # statistics of the inputs
    network.eval().save_folder(tmp_path)
    x = torch.randn(3, SKIN_MEASURES, requires_grad=True)
    network(x).sum().backward()
    assert (x.grad != 0).all()
    assert torch.allclose(RenderSkin.from_folder(tmp_path)(x), network(x), atol=0.02)


def test_what_is_read_is_calibrated_at_the_borders_between_tones(monkeypatch):
    network = RenderSkin(16).eval()
    found = torch.tensor([-0.5, 0.0, 1.37, 1.955, 2.54, 3.58, 5.0, 6.0])
    monkeypatch.setattr(network, "forward", lambda measures: found)
    expected = torch.tensor([0.0, 0.0, 1.5, 2.0, 2.5, 3.5, 5.0, 5.0])
    assert torch.allclose(network.read(torch.zeros(8, SKIN_MEASURES)), expected, atol=1e-5)
