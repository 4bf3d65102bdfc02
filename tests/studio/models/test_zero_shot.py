import torch

from losses import ClipChoice
from losses.open_clip_models import Towers
from studio.models.zero_shot import ZeroShot
from tests.stub import SIZE, Clip, unpadded

GROUPS = {"hair": ("red hair", "blue hair", "no hair"), "hat": ("a hat", "a bare head")}


def test_the_probabilities_are_those_of_a_choice_between_the_texts() -> None:
    torch.manual_seed(0)
    clip, image = Clip().eval().requires_grad_(False), torch.rand(2, 3, SIZE, SIZE) * 2 - 1
    zero_shot = ZeroShot(Towers(clip, unpadded, "small"), GROUPS)
    found = zero_shot.attributes(image)
    for name, texts in GROUPS.items():
        for index in range(len(texts)):
            choice = ClipChoice(clip, unpadded, texts, index, 0.0)
            torch.testing.assert_close(found[name][:, index], choice.probability(choice.embed(image)))
        torch.testing.assert_close(zero_shot.texts(image, texts), found[name])
