import base64
import io
import re

import numpy as np
import torch
from PIL import Image

from adjointdeis import LinearVP, Sampler, guide
from adjointdeis.guide.html import strip_and_curve, summarised
from tests.truth import mixture, normal, squared_distance


def images(html):
    return [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
        for data in re.findall(r"data:image/png;base64,([\w+/=]+)", html)
    ]


def test_a_guide_run_shows_the_frames_that_were_taken():
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(6, end=0.02))
    x, z, target = normal(2, 3, 2, 3), normal(2, 4, seed=1), normal(2, 3, 2, 3, seed=2)
    frames = guide(mixture((3, 2, 3)), sampler, x, z, squared_distance(target))
    assert "No frame" in frames._repr_html_()
    first, second = next(frames), next(frames)
    html = frames._repr_html_()
    assert f"Loss {float(first.loss.mean()):.4g} → {float(second.loss.mean()):.4g} after 1 updates" in html
    assert [image.shape for image in images(html)] == [(2, 3, 3), (2, 3, 3)]


def test_a_thumbnail_has_the_levels_of_the_image():
    image = torch.linspace(-1.2, 1.2, 3 * 5 * 7).view(1, 3, 5, 7)
    (shown,) = images(strip_and_curve([summarised(0, torch.zeros(1), image)]))
    expected = ((image[0].clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    assert np.array_equal(shown, expected)


def test_large_images_are_reduced_and_states_without_colours_have_none():
    (shown,) = images(strip_and_curve([summarised(0, torch.zeros(1), torch.zeros(1, 3, 512, 300))]))
    assert max(shown.shape) == 64
    assert images(strip_and_curve([summarised(0, torch.zeros(()), torch.zeros(2, 16, 8, 8))])) == []


def test_a_long_run_shows_eight_images_from_first_to_last():
    run = [summarised(i, torch.tensor([float(i)]), torch.zeros(1, 1, 4, 4)) for i in range(101)]
    html = strip_and_curve(run)
    steps = [int(step) for step in re.findall(r"image at step (\d+)", html)]
    assert steps == sorted(steps)
    assert (steps[0], steps[-1], len(steps)) == (0, 100, 8)
