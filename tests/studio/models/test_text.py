from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from studio.messages import UserError
from studio.models.text import LONGEST_GEMMA, prompt_codes

transformers = pytest.importorskip("transformers")
CPU = torch.device("cpu")
Twin = Callable[[str], Path]


def test_clips_padding_is_part_of_the_code(twin: Twin) -> None:
    long, short = prompt_codes(twin("sd-1.5"), ("a photo of a face", "a"), CPU)
    assert long.shape == short.shape == (1, 77, 12)
    assert not torch.equal(long, short)
    assert short[0, 5:].abs().min() > 0


def test_it_is_the_code_that_transformers_gives(twin: Twin) -> None:
    folder = twin("sd-1.5")
    encoder = transformers.CLIPTextModel.from_pretrained(folder / "text_encoder")
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder / "tokenizer")
    ids = tokenizer("a face", padding="max_length", max_length=77, return_tensors="pt").input_ids
    assert len(set(ids[0].tolist())) > 3
    with torch.no_grad():
        expected = encoder(ids).last_hidden_state
    torch.testing.assert_close(prompt_codes(folder, ("a face",), CPU)[0], expected)


def test_gemmas_padding_is_zero(twin: Twin) -> None:
    z, other = prompt_codes(twin("sana-600m"), ("Ab c ", "xyz"), CPU)
    assert z.shape == (1, LONGEST_GEMMA, 12)
    kept = (z != 0).any(-1)[0]
    assert kept[:5].all()  # the beginning, "a", "b", " ", "c"
    assert not kept[5:].any()
    assert not torch.equal(z, other)


def test_a_folder_without_text_encoder_is_refused_in_a_sentence(twin: Twin) -> None:
    with pytest.raises(UserError, match="has no text encoder"):
        prompt_codes(twin("ldm-celebahq"), ("a",), CPU)
