import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.messages import UserError
from studio.models.flags import add_flags, chosen


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return parser.parse_args(words)


def test_the_embedded_model_is_the_default() -> None:
    assert parsed().model == "embedded"


def test_a_folder_becomes_a_model_with_what_was_wished_for(twin: Callable[[str], Path], tmp_path: Path) -> None:
    given = parsed("--model", str(twin("dit-imagenet")), "--guidance", "1", "--clip", str(tmp_path), "--offline")
    model = chosen(given, "cpu")
    assert model.latent == (4, 8, 8)
    assert not hasattr(model.network, "scale")
    assert "has no open_clip_config.json" in model.missing["clip"]


def test_in_public_only_models_of_the_registry_are_served(twin: Callable[[str], Path]) -> None:
    with pytest.raises(UserError, match="A public studio serves the models it knows"):
        chosen(parsed("--model", str(twin("dit-imagenet"))), "cpu", public=True)


def test_a_model_that_is_not_here_ends_in_a_sentence() -> None:
    with pytest.raises(UserError, match="cannot be loaded: its files are not here, and the studio is offline"):
        chosen(parsed("--model", "ldm-celebahq", "--offline"), "cpu")
