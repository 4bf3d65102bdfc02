import dataclasses

import pytest

from studio.models.catalogue.registry import DEFAULT, ENTRIES
from studio.models.placement.configs import CONFIGS


def test_names_are_those_of_the_entries() -> None:
    assert all(name == entry.name for name, entry in ENTRIES.items())
    assert next(iter(ENTRIES)) == DEFAULT


def test_a_branch_is_no_revision() -> None:
    for wrong in ("main", "v1", "ABC", "0" * 39):
        with pytest.raises(ValueError, match="commit of 40 hex digits, or None"):
            dataclasses.replace(ENTRIES["sd-1.5"], revision=wrong)
    assert dataclasses.replace(ENTRIES["sd-1.5"], revision="0f" * 20).revision == "0f" * 20


def test_every_entry_has_a_licence_and_a_published_configuration() -> None:
    assert all(entry.licence for entry in ENTRIES.values())
    assert set(CONFIGS) == set(ENTRIES) - {"embedded", "embedded-128"}


def test_only_these_models_are_pinned() -> None:
    open_ones = {name for name, entry in ENTRIES.items() if entry.repo and entry.revision is None}
    assert open_ones == {"ddpm-celebahq", "ddpm-church", "ldm-celebahq"}
    pinned = [entry.revision for entry in ENTRIES.values() if entry.revision]
    assert len(set(pinned)) == len(pinned)


def test_conditional_models_have_a_z() -> None:
    without = {name for name, entry in ENTRIES.items() if not entry.has_z}
    assert without == {"ddpm-celebahq", "ddpm-church", "ddpm-cat", "ldm-celebahq"}
    assert without == {name for name, entry in ENTRIES.items() if entry.z.startswith("none")}
