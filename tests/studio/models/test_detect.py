import json
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.core.errors import UserError
from studio.models.detect import entry_of, recognise
from studio.models.registry import ENTRIES
from tests.tiny_models.make import MAKERS, SIZE

TinyCopy = Callable[[str], Path]


@pytest.mark.parametrize("name", MAKERS)
def test_a_tiny_copy_is_recognised_as_what_its_original_is(tiny_copy: TinyCopy, name: str) -> None:
    if name in ("sd-1.5", "sd-turbo", "sd-2.1", "sana-600m"):
        pytest.importorskip("transformers")
    entry = recognise(tiny_copy(name))
    assert entry.kind == (ENTRIES[name].kind if name in ENTRIES else "labelled")
    assert entry.size == SIZE
    assert entry.licence == "your own"


def test_strangers_get_no_model_of_their_own(tiny_copy: TinyCopy) -> None:
    assert entry_of("sd-1.5", public=True) is ENTRIES["sd-1.5"]
    for own in (str(tiny_copy("ddpm-celebahq")), "somebody/something"):
        with pytest.raises(UserError, match="A public studio serves the models it knows: choose one of embedded, ddpm"):
            entry_of(own, public=True)


def test_a_hub_id_is_taken_as_it_is_and_anything_else_refused() -> None:
    assert entry_of("somebody/something").repo == "somebody/something"
    for wrong in ("sd-1.6", "./nowhere/at-all", "a/b/c"):
        with pytest.raises(UserError, match="There is no model"):
            entry_of(wrong)


def test_a_folder_without_a_model_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no config\.json in it, in unet or in transformer"):
        recognise(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"_class_name": "FluxTransformer2DModel"}))
    with pytest.raises(UserError, match="a FluxTransformer2DModel, which the studio has no adapter for"):
        recognise(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        recognise(tmp_path)
