import dataclasses
from collections.abc import Callable
from pathlib import Path

from studio.core.cancellation import CancelToken
from studio.core.gradients import compared_methods
from studio.export.recorded_tabs import (
    COMPARE,
    FOLDER,
    load_comparison,
    load_morph,
    write_comparison,
    write_morph,
)
from studio.models.interface import Model
from studio.runs.compare import compare
from studio.runs.measures.gradient_error import gradient_errors
from studio.runs.morph import Morphed, morph
from studio.runs.request import Request


def test_a_recorded_morph_equals_its_run_without_frames(
    face: Path, model: Model, request_for: Callable[..., Request], cancel_token: CancelToken, tmp_path: Path
) -> None:
    *_, last = morph(model, request_for(face, loss="morph"), cancel_token)
    assert isinstance(last, Morphed)
    write_morph(last, model, tmp_path)
    found = load_morph(tmp_path)
    assert found is not None
    assert found.digest == model.digest
    again = found.morphed
    assert (again.of_plain, again.of_now) == (last.of_plain, last.of_now)
    assert (again.outcome.curve, again.outcome.best) == (last.outcome.curve, last.outcome.best)
    for one, other in ((again.first, last.first), (again.second, last.second)):
        assert one.tobytes() == other.tobytes()
    assert again.outcome.before.tobytes() == last.outcome.before.tobytes()
    assert again.outcome.after.tobytes() == last.outcome.after.tobytes()
    assert again.outcome.frames == ()


def test_a_recorded_comparison_equals_its_run(
    model: Model, request_for: Callable[..., Request], cancel_token: CancelToken, tmp_path: Path
) -> None:
    *_, last = compare(model, request_for(mode="ode"), ["discrete", "adjoint_1"], cancel_token)
    write_comparison(last, model, tmp_path)
    found = load_comparison(tmp_path)
    assert found is not None
    assert found.digest == model.digest
    assert found.comparison.settings == last.settings
    for again, once in zip(found.comparison.columns, last.columns, strict=True):
        assert again.image is not None
        assert once.image is not None
        assert once.found is not None
        assert again.image.tobytes() == once.image.tobytes()
        assert dataclasses.replace(again, image=None, found=None) == dataclasses.replace(once, image=None, found=None)
        assert again.found == once.found._replace(by_step={}, by_parameter={})


def test_a_folder_may_have_no_recordings(tmp_path: Path) -> None:
    assert load_morph(tmp_path) is load_comparison(tmp_path) is None


def test_the_recordings_that_ship_are_small_and_show_what_the_tabs_are_for() -> None:
    found, morphed = load_comparison(), load_morph()
    assert found is not None
    assert morphed is not None
    assert [column.method for column in found.comparison.columns] == compared_methods()
    assert {name: getattr(found.comparison.settings, name) for name in COMPARE} == COMPARE
    errors = {one.method: max(gradient_errors(one.found).values()) for one in found.comparison.columns if one.found}
    assert errors["discrete"] < 1e-3 < errors["adjoint_1"]
    memory = {one.method: one.memory or 0 for one in found.comparison.columns}
    assert memory["unrolled"] > 5 * memory["discrete"]
    held_out = [one for one in morphed.morphed.of_now if not one.in_loss]
    assert any(one.fooled for one in held_out)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 200_000
