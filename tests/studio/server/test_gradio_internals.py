"""What the studio uses of Gradio beyond its documentation, on a page that is really served."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import pytest

from studio.server import gradio_internals as internals
from studio.server.gradio_internals import EventBlocks

ROOT = Path(__file__).resolve().parents[3]
UNDOCUMENTED = (
    r"LocalContext|state_holder|session_data|temp_file_sets|keep_in_cache|\._queue|ComponentMeta\b|"
    r"process_api|preprocess_data|postprocess_data|config_values|\.api_info\b"
)


@pytest.fixture
def served() -> Iterator[tuple[gr.Blocks, str]]:
    with EventBlocks() as blocks:
        count, text = gr.State(0), gr.Textbox()
        gr.Button().click(lambda n: (n + 1, str(n + 1)), count, [count, text], api_name="count", queue=False)
        gr.Button().click(lambda: "x", None, text, api_name="long")
    _, url, _ = blocks.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield blocks, f"{url}gradio_api/"
    blocks.close()


def count(url: str, session: str) -> str:
    answer: str = httpx.post(f"{url}run/count", json={"data": [None], "session_hash": session}).json()["data"][-1]
    return answer


def test_no_other_file_uses_these_parts_of_gradio() -> None:
    for path in [ROOT / "app.py", *(ROOT / "studio").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]:
        if path.name != "gradio_internals.py":
            assert not re.search(UNDOCUMENTED, path.read_text(encoding="utf-8")), path.relative_to(ROOT)


def test_a_dropped_session_starts_anew(served: tuple[gr.Blocks, str]) -> None:
    blocks, url = served
    assert [count(url, "me"), count(url, "you"), count(url, "me")] == ["1", "1", "2"]
    assert internals.session_ids(blocks) == ["you", "me"]
    assert internals.last_used(blocks, "me") is not None
    state = internals.session_state(blocks, "me")
    assert internals.drop_session(blocks, "me") is state is not None
    assert internals.last_used(blocks, "me") is internals.session_state(blocks, "me") is None
    assert internals.drop_session(blocks, "me") is None
    assert count(url, "me") == "1"


def test_the_values_of_a_session_are_those_its_page_shows(served: tuple[gr.Blocks, str]) -> None:
    blocks, url = served
    count(url, "me")
    assert "1" in internals.shown_values(internals.session_state(blocks, "me"))


def answers(kind: type[gr.Blocks], returned: str) -> list[Any]:
    """What a page of this kind answers to three events of one session."""
    with kind() as blocks:
        text, html, count, button = gr.Textbox("a"), gr.HTML("b"), gr.State(0), gr.Button("c")
        updates: dict[str, Any] = {
            "values": {text: "x", html: "<b>y</b>", count: 3},
            "updates": {button: gr.Button("z", interactive=False), html: gr.HTML(visible=False), count: 4},
            "properties": {text: gr.update(label="l"), count: gr.update(value=5)},
            "one": {html: "y"},
            "skip": {text: gr.skip(), html: "y"},
            "nothing": gr.skip(),
        }
        outputs = [text, html, count, button]
        gr.Button().click(lambda: updates[returned], None, outputs, api_name="go", queue=False)
        gr.Button().click(lambda n: [n, "s", n, gr.skip()], count, outputs, api_name="list", queue=False)
        gr.Button().click(lambda: {text: "alone"}, None, text, api_name="alone", queue=False)
    _, url, _ = blocks.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    sent = {"go": [], "list": [None], "alone": []}
    found = [
        httpx.post(f"{url}gradio_api/run/{name}", json={"data": data, "session_hash": "me"}).json()["data"]
        for name, data in sent.items()
    ]
    blocks.close()
    return found


@pytest.mark.parametrize("returned", ["values", "updates", "properties", "one", "skip", "nothing"])
@pytest.mark.slow
def test_an_answer_is_that_of_gradio_but_for_outputs_without_a_change(returned: str) -> None:
    ours, gradios = answers(EventBlocks, returned), answers(gr.Blocks, returned)
    assert ours[1:] == gradios[1:]
    for mine, its in zip(ours[0], gradios[0], strict=True):
        assert mine == its or (mine == gr.skip() and its == {**gr.skip(), "props": gr.skip()})


def test_an_output_without_a_change_is_not_made_again() -> None:
    made: list[str] = []

    class Counted(gr.Textbox, metaclass=internals.PlainSubclass):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            made.append("one")
            super().__init__(*args, **kwargs)

    with EventBlocks() as blocks:
        quiet, text = Counted(), gr.Textbox()
        gr.Button().click(lambda: {text: "x"}, None, [quiet, text], api_name="go", queue=False)
    _, url, _ = blocks.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    before = len(made)
    httpx.post(f"{url}gradio_api/run/go", json={"data": [], "session_hash": "me"})
    blocks.close()
    assert len(made) == before > 0


def test_answers_are_counted_until_they_are_dropped(served: tuple[gr.Blocks, str]) -> None:
    blocks, url = served
    long = next(one["id"] for one in blocks.config["dependencies"] if one["api_name"] == "long")
    for _ in range(3):
        httpx.post(f"{url}queue/join", json={"data": [], "fn_index": long, "session_hash": "me"})
    assert internals.waiting_answers(blocks)["me"] > 0
    assert internals.is_working(blocks, "me")
    assert not internals.is_working(blocks, "you")
    internals.drop_answers(blocks, "me")
    internals.empty_answers(blocks, "me")
    assert "me" not in internals.waiting_answers(blocks)


def test_a_description_is_dropped() -> None:
    app = SimpleNamespace(api_info={"named_endpoints": {}})
    internals.drop_description(app)
    assert app.api_info is None
