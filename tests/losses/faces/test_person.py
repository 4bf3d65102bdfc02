import json
from pathlib import Path

import numpy as np
import pytest
import torch

from losses.faces import load_segmenter
from losses.faces.person import SIZE, PersonSegmenter
from tests.losses.faces.pictures import as_image, clay

RECORDED = Path(__file__).with_name("recorded_person.json")


@pytest.fixture(scope="module")
def segmenter():
    return load_segmenter()


def waves():
    y, x = np.mgrid[:SIZE, :SIZE]
    return np.stack([x, y, (x * x + 3 * y * y) // 17 % 256], -1).astype(np.uint8)


@pytest.mark.parametrize("name", ["waves", "2-black-hair", "6-glasses"])
def test_the_probabilities_are_those_of_mediapipe(segmenter, name):
    """Means of 16 x 16 pixels, recorded from mediapipe.solutions.selfie_segmentation (model 0)."""
    recorded = torch.tensor(json.loads(RECORDED.read_text())["found"][name])
    found = segmenter(as_image(waves() if name == "waves" else clay(name)))[0, 0]
    assert (found.view(16, 16, 16, 16).mean((1, 3)) - recorded).abs().max() < 1e-4


def test_images_of_a_batch_do_not_depend_on_each_other(segmenter):
    images = torch.cat([as_image(clay(name)) for name in ("2-black-hair", "6-glasses")])
    alone = torch.cat([segmenter(image[None]) for image in images])
    assert (segmenter(images) - alone).abs().max() < 1e-5


def test_stride_two_pads_as_tensorflow_does():
    """With "same" padding, the first output of a 3 x 3 convolution with stride 2 sees the first three columns."""
    stem = PersonSegmenter().stem
    with torch.no_grad():
        stem.weight.fill_(1)
        stem.bias.zero_()
        out = stem(torch.arange(8.0).expand(1, 3, 8, 8))
    assert out[0, 0, 1, 0] == 3 * 3 * (0 + 1 + 2)
    assert out[0, 0, 1, 3] == 3 * 3 * (6 + 7)


def test_a_folder_without_the_network_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="person holds no face network"):
        load_segmenter(tmp_path)
