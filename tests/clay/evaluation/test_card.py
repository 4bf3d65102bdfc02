import hashlib

import pytest

from clay.evaluation.card import classes_table, fill, hashes_table


def test_a_marked_section_is_filled_again():
    card = "before\n<!-- here -->\nold\n<!-- /here -->\nafter"
    once = fill(card, "here", "new")
    assert once == "before\n<!-- here -->\nnew\n<!-- /here -->\nafter"
    assert fill(once, "here", "new") == once


def test_a_card_without_the_section_is_refused():
    with pytest.raises(ValueError, match="has no section here"):
        fill("nothing", "here", "new")


def test_rates_are_shown_in_per_cent():
    figures = {"accuracy": 0.9123, "commonest": 0.2, "classes": 3}
    parts = {
        "attributes": {"hair_style": figures},
        "clip": {"hair_style": figures | {"accuracy": 0.5}},
        "heads": {"hair_style": figures | {"accuracy": 0.75}},
    }
    table = classes_table(parts)
    assert "| hair style | 3 | 20.0 % | 50.0 % | 75.0 % | 91.2 % |" in table
    assert table.endswith("| mean | | | 50.0 % | 75.0 % | 91.2 % |")


def test_hashes_are_those_of_the_files(tmp_path):
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "model.safetensors").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    assert f"| part/model.safetensors | 7 | `{digest}` |" in hashes_table(tmp_path)
