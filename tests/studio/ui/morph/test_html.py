import re

from PIL import Image

from studio.runs.measures.held_out import Verdict
from studio.ui.morph import html

PLAIN = (Verdict("identity", True, 0.5, 0.4, 0.9, 0.8), Verdict("convolutional", False, 0.3, -0.2, 0.9, 0.8))
STEERED = (Verdict("identity", True, 0.95, 0.93, 0.9, 0.8), Verdict("convolutional", False, 0.91, 0.85, 0.9, 0.8))


def test_every_bar_says_its_number_and_its_verdict() -> None:
    shown = html.panel(PLAIN, STEERED)
    assert len(re.findall('class="bar plain', shown)) == len(re.findall('class="bar steered', shown)) == 4
    for number, answer in (("0.95", "✓ accepted"), ("0.85", "≈ at FMR 1 %"), ("0.30", "✗ rejected")):
        assert re.search(rf"<b>{number} <small>{answer}", shown)


def test_bars_and_marks_stay_in_their_track() -> None:
    widths = [int(w) for w in re.findall(r"width:(-?\d+)%", html.panel(PLAIN, STEERED))]
    assert min(widths) == 0
    assert max(widths) == 95
    assert set(re.findall(r"left:(\d+)%", html.panel(PLAIN, STEERED))) == {"80", "90"}


def test_only_networks_outside_the_loss_are_counted() -> None:
    assert html.outcome(PLAIN, STEERED) == "Steered morph: accepted by 0 of 1 held-out networks; plain morph: 0 of 1."
    fooled = (*STEERED[:1], Verdict("convolutional", False, 0.91, 0.92, 0.9, 0.8))
    assert html.outcome(PLAIN, fooled) == "Steered morph: accepted by 1 of 1 held-out networks; plain morph: 0 of 1."
    assert html.outcome(PLAIN[:1], STEERED[:1]) == ""


def test_before_a_morph_there_are_places_but_no_bars() -> None:
    assert "bar" not in html.panel((), ())
    empty = html.stage(None, None, None, None)
    assert empty.count("<figure>") == 4
    assert "<img" not in empty


def test_while_encoding_the_noise_is_not_called_a_morph() -> None:
    face = Image.new("RGB", (8, 8))
    assert "Inverting…" in html.stage(face, None, face, face)
    assert "Inverting…" not in html.stage(face, face, face, face)


def test_names_are_escaped() -> None:
    odd = (Verdict("<b>", False, 0, 0, 0.9, 0.8),)
    assert "<b>" not in html.panel(odd, odd).split("<h4>")[1].split("</h4>")[0].replace("<small>", "")
