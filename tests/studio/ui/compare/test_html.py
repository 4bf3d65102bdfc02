import dataclasses

import pytest
from PIL import Image

from adjointdeis import Audit
from studio.core.settings import Settings
from studio.runs.compare import Column, Comparison
from studio.runs.events import CurvePoint
from studio.ui.compare import html

EXACT = Audit({"z": 1.0}, {"z": 1.0}, 0.5, (), {}, {})
WRONG = Audit({"z": 0.0}, {"z": 2000.0}, 0.5, ("AdjointDEIS is unstable here.",), {}, {})
GOOD = Column(
    "discrete",
    Image.new("RGB", (8, 8)),
    (CurvePoint(0, 2.0, {}, {}), CurvePoint(1, 1.0, {}, {})),
    EXACT,
    2**20,
    0.5,
    10,
)
BAD = dataclasses.replace(GOOD, method="adjoint_1", found=WRONG, memory=2**22, seconds=1.0)
STATE = Comparison(Settings(), Image.new("RGB", (8, 8)), (GOOD, BAD), "optimise", 1, 4, 12.0, 20.0)


def test_a_card_holds_all_that_was_measured() -> None:
    shown = html.cards([GOOD, BAD], None)
    for said in ("2.000 → 1.000", "<b>exact</b>", "2,000 times too large", "0.50 s", "1.0 MiB", "unstable here"):
        assert said in shown


def test_bars_are_shares_of_the_largest() -> None:
    card = html.cards([GOOD, BAD], None).split("</article>")[0]
    assert "width:50%" in card  # 0.5 s of 1 s
    assert "width:25%" in card  # 1 MiB of 4 MiB


@pytest.mark.parametrize(("cosine", "ratio", "said"), [(1, 1, "exact"), (1, 1.05, "5.0 %"), (-1, 1, "200.0 %")])
def test_errors_in_words(cosine: float, ratio: float, said: str) -> None:
    found = Audit({"z": cosine}, {"z": ratio}, 0.5, (), {}, {})
    assert said in html.cards([dataclasses.replace(GOOD, found=found)], None)


def test_a_method_in_trouble_says_so_in_its_card() -> None:
    assert "&lt;why&gt;" in html.cards([Column("unrolled", trouble="<why>")], None)


def test_progress_never_goes_back() -> None:
    stages = [
        ("encode", 0, 1),
        ("audit", 1, 4),
        ("audit", 4, 4),
        ("optimise", 0, 4),
        ("optimise", 4, 4),
        ("done", 1, 1),
    ]
    widths = []
    for stage, step, steps in stages:
        bar = html.status(dataclasses.replace(STATE, stage=stage, step=step, steps=steps))  # type: ignore[arg-type]
        widths.append(int(bar.split('aria-valuenow="')[1].split('"')[0]))
    assert widths == sorted(widths)
    assert widths[-1] == 100


def test_what_separates_the_methods_comes_before_the_loss() -> None:
    shown = html.cards([GOOD], None).split("<dl>")[1]
    order = [shown.index(name) for name in ("Error, ", "Peak memory", "Time per", "Network calls", "<dt>Loss")]
    assert order == sorted(order)


def test_losses_that_differ_by_less_than_an_update_are_a_tie() -> None:
    assert html.losses([GOOD, BAD]) == "Last losses differ by 0.000; one update changes them by 1.000: a tie."
    better = dataclasses.replace(BAD, curve=(CurvePoint(0, -0.9, {}, {}), CurvePoint(1, -1.0, {}, {})))
    assert html.losses([GOOD, better]).endswith("differ by 2.000; one update changes them by 0.550: a difference.")
    assert html.losses([GOOD]) == ""


def test_one_sentence_says_which_gradients_are_exact_and_what_they_need() -> None:
    assert html.summary([GOOD, BAD]) == (
        "Exact gradient: Discrete adjoint with 1.0 MiB. "
        "Approximate gradient: AdjointDEIS-1, 200,000 % off, with 4.0 MiB."
    )


def test_without_measurements_nothing_is_claimed() -> None:
    assert "After a run" in html.summary(html.columns(["discrete"]))


def test_the_time_left_is_forecast_until_it_is_measured() -> None:
    early = dataclasses.replace(STATE, stage="encode", left=None, seconds=5.0)
    assert "about 25 s left" in html.status(early, 30.0)
    assert "left" not in html.status(early, None)
    assert "about 12 s left" in html.status(STATE, 30.0)


def test_a_card_shows_the_picture_before_until_it_has_its_own() -> None:
    shown = html.cards([Column("discrete"), GOOD], Image.new("RGB", (8, 8)))
    assert shown.count("<img") == 2
    assert shown.count("Picture before") == 1


def test_the_end_is_one_sentence() -> None:
    done = dataclasses.replace(STATE, stage="done")
    assert html.finished(done) == "Finished in 20 s."
    assert "every method failed" in html.finished(dataclasses.replace(done, columns=(Column("discrete"),)))


def test_chosen_methods_have_a_card_before_they_run() -> None:
    assert html.cards(html.columns(["discrete", "unrolled"]), None).count("<article>") == 2
