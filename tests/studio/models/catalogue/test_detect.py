import json
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.core.errors import UserError
from studio.models.catalogue.detect import detect_entry, find_entry
from studio.models.catalogue.registry import ENTRIES
from tests.tiny_models.make import MAKERS, SIZE, SIZES

TinyCopy = Callable[[str], Path]


@pytest.mark.parametrize("name", MAKERS)
def test_a_tiny_copy_is_detected_as_its_original(tiny_copy: TinyCopy, name: str) -> None:
    if name in ENTRIES and ENTRIES[name].kind == "pipeline":
        pytest.importorskip("transformers")
    entry = detect_entry(tiny_copy(name))
    others = {"a modular pipeline": "pipeline", "a class-conditional UNet": "labelled"}
    assert entry.kind == (ENTRIES[name].kind if name in ENTRIES else others[name])
    assert entry.size == SIZES.get(name, SIZE)
    assert entry.licence == "your own"


def test_a_public_studio_loads_no_other_models(tiny_copy: TinyCopy) -> None:
    assert find_entry("sd-1.5", public=True) is ENTRIES["sd-1.5"]
    for own in (str(tiny_copy("ddpm-celebahq")), "somebody/something"):
        with pytest.raises(
            UserError, match="serves only registered models: choose one of embedded-128, embedded, ddpm"
        ):
            find_entry(own, public=True)


def test_a_hub_id_is_accepted_and_other_names_are_refused() -> None:
    assert find_entry("somebody/something").repo == "somebody/something"
    for wrong in ("sd-1.6", "./nowhere/at-all", "a/b/c"):
        with pytest.raises(UserError, match="There is no model"):
            find_entry(wrong)


def test_a_folder_without_a_supported_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no config\.json in it, in unet or in transformer"):
        detect_entry(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"_class_name": "FluxTransformer2DModel"}))
    with pytest.raises(UserError, match="a FluxTransformer2DModel, which the studio has no adapter for"):
        detect_entry(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        detect_entry(tmp_path)
