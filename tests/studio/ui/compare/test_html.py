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
    shown = html.cards([GOOD, BAD])
    for said in ("2.000 → <b>1.000</b>", "<b>exact</b>", "2,000 times too large", "0.50 s", "1.0 MiB", "unstable here"):
        assert said in shown


def test_bars_are_shares_of_the_largest() -> None:
    card = html.cards([GOOD, BAD]).split("</article>")[0]
    assert "width:50%" in card  # 0.5 s of 1 s
    assert "width:25%" in card  # 1 MiB of 4 MiB


@pytest.mark.parametrize(("cosine", "ratio", "said"), [(1, 1, "exact"), (1, 1.05, "5.0 %"), (-1, 1, "200.0 %")])
def test_errors_in_words(cosine: float, ratio: float, said: str) -> None:
    found = Audit({"z": cosine}, {"z": ratio}, 0.5, (), {}, {})
    assert said in html.cards([dataclasses.replace(GOOD, found=found)])


def test_a_method_in_trouble_says_so_in_its_card() -> None:
    assert "&lt;why&gt;" in html.cards([Column("unrolled", trouble="<why>")])


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


def test_the_end_names_the_lowest_loss() -> None:
    better = dataclasses.replace(BAD, curve=(*BAD.curve, CurvePoint(2, 0.25, {}, {})))
    done = dataclasses.replace(STATE, stage="done", columns=(GOOD, better))
    assert html.finished(done) == "Finished in 20 s; lowest loss: AdjointDEIS-1, 0.250."
    assert "every method failed" in html.finished(dataclasses.replace(done, columns=(Column("discrete"),)))


def test_chosen_methods_have_a_card_before_they_run() -> None:
    assert html.empty_cards(["discrete", "unrolled"]).count("<article>") == 2
