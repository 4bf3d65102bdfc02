import pytest

from studio.core.settings import Settings
from studio.export.verdict import headline
from studio.runs.measures.verdict import Change, Reached, Similarity, Verdict
from studio.ui.html import asked
from studio.ui.verdict import verdict_html

NEAR, FAR = Similarity("a", 0.8, 0.5), Similarity("b <i>", 0.3, 0.5)


@pytest.mark.parametrize(
    ("reached", "words"),
    [
        ("yes", "Goal reached (97 %)"),
        ("partly", "Goal partly reached (97 %)"),
        ("no", "Goal not reached (97 %)"),
        ("not measured", "Goal not measured (97 %)"),
    ],
)
def test_every_answer_is_said_in_words(reached: Reached, words: str) -> None:
    assert headline(Verdict(reached, 0.97)) == words
    assert words in verdict_html(Verdict(reached, 0.97))


def test_a_verdict_without_a_probability_has_none() -> None:
    assert headline(Verdict("no")) == "Goal not reached"


def test_no_probability_is_rounded_to_certainty() -> None:
    assert headline(Verdict("yes", 0.9999)) == "Goal reached (over 99 %)"
    assert headline(Verdict("no", 1e-9)) == "Goal not reached (under 1 %)"


def test_other_changes_are_named() -> None:
    html = verdict_html(Verdict("yes", changed=(Change("hair_colour", "brown", "red"), Change("hat", "no hat", "hat"))))
    assert "hair colour: brown → red; hat: no hat → hat" in html
    assert "no other attribute" in verdict_html(Verdict("yes", changed=()))
    assert "Also changed" not in verdict_html(Verdict("yes"))


@pytest.mark.parametrize(("same", "answer"), [((NEAR, NEAR), "yes"), ((NEAR, FAR), "uncertain"), ((FAR, FAR), "no")])
def test_the_person_is_accepted_by_all_some_or_none(same: tuple[Similarity, ...], answer: str) -> None:
    assert f"<th scope=row>Same person</th><td><b>{answer}</b>" in verdict_html(Verdict("yes", same=same))


def test_names_and_reasons_are_escaped() -> None:
    html = verdict_html(Verdict("no", reason="<script>", same=(FAR,)))
    assert "<script>" not in html
    assert "<i>" not in html


def test_a_run_without_a_verdict_shows_none() -> None:
    assert verdict_html(None) == ""


def test_an_audience_reads_the_verdict_beside_the_goal() -> None:
    assert "<b>Goal reached (over 99 %)</b>" in asked(Settings(prompt="a hat"), Verdict("yes", 0.995))
    assert "reached (" not in asked(Settings(prompt="a hat"))
