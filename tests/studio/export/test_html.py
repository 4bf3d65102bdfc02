import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.export.files import save
from studio.export.html import data, described, player
from studio.export.metadata import record
from studio.export.saved_run import SavedRun
from studio.models.interface import Model
from studio.runs.events import Outcome
from studio.runs.steer import steer


@pytest.fixture
def outcome(model: Model, request_for: Callable[..., object], cancel_token: CancelToken) -> Outcome:
    *_, last = steer(model, request_for(), cancel_token)
    assert isinstance(last, Outcome)
    return last


def test_the_page_saves_a_player_with_the_whole_run_inside(model: Model, outcome: Outcome, tmp_path: Path) -> None:
    html = save("html", outcome, model, tmp_path, inside=False).read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)=["'](?!data:)|https?://(?!www\.w3\.org)|url\(|@import""", html)
    for part in ("Goal", "red hair", "arXiv:2405.15020", "AI-edited", "prefers-color-scheme: dark", "data:image/webp"):
        assert part in html


def test_a_player_at_128_pixels_is_below_two_megabytes(model: Model, outcome: Outcome) -> None:
    noise = [Image.effect_noise((128, 128), 80 + i).convert("RGB") for i in range(21)]
    curve = (outcome.curve[0],) * 21
    long = replace(outcome, curve=curve, best=curve[0], frames=tuple(noise), before=noise[0], after=noise[-1])
    assert len(player(SavedRun(record(long, model), noise[0], noise[-1], noise))) < 2 * 2**20


@pytest.mark.parametrize("prompt", ["</script><script>alert(1)</script>", "<!--<script>", "\u2028", "“é\\"])
def test_no_text_ends_the_script(prompt: str) -> None:
    assert "<" not in data({"title": prompt})
    assert json.loads(data({"title": prompt})) == {"title": prompt}


def test_what_a_record_holds_is_described(model: Model, outcome: Outcome) -> None:
    found = described(record(outcome, model))
    assert found["title"] == "red hair"
    assert len(found["losses"]) == len(outcome.curve)
    assert found["best"] == outcome.best.step
    assert found["verdict"]["headline"].startswith("Goal ")
    assert ["Sampling steps", "5"] in found["settings"]
    assert any(name == "Network calls" for name, _ in found["numbers"])


@pytest.mark.parametrize(
    "change",
    [{"verdict": None}, {"model": 3}, {"measured": {"loss": [1, 2]}}, {"measured": {"loss": [1, 2], "best_step": 99}}],
)
def test_a_record_may_lack_parts(model: Model, outcome: Outcome, change: dict[str, object]) -> None:
    found = described({**record(outcome, model), **change})
    assert 0 <= found["best"] < len(found["losses"])


@pytest.mark.parametrize(
    "change",
    [{"measured": None}, {"measured": {"loss": []}}, {"measured": {"loss": ["<b>"]}}, {"verdict": {"reached": 5}}],
)
def test_a_record_that_cannot_be_read_is_an_error(model: Model, outcome: Outcome, change: dict[str, object]) -> None:
    with pytest.raises(UserError):
        described({**record(outcome, model), **change})


def test_the_verdict_on_a_morph_names_every_face_network(model: Model, outcome: Outcome) -> None:
    one = {"name": "convolutional", "first": 0.7, "second": 0.6, "strict": 0.5, "loose": 0.4, "fooled": True}
    steered = [{**one, "in_loss": False}, {**one, "name": "identity", "in_loss": True}]
    verdict = described({**record(outcome, model), "verdicts": {"plain": [], "steered": steered}})["verdict"]
    assert verdict["headline"] == "Accepted as both people by 1 of 1 held-out networks"
    assert verdict["rows"][1] == ["identity (in the loss)", "0.70 and 0.60, threshold 0.50"]
    with pytest.raises(UserError, match="cannot be read"):
        described({**record(outcome, model), "verdicts": {"steered": [{"name": 5}]}})
