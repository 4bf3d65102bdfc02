"""What the studio uses of Gradio beyond its documentation, on a page that is really served."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest

from studio.server import gradio_internals as internals
from studio.server.gradio_internals import EventBlocks

ROOT = Path(__file__).resolve().parents[3]
UNDOCUMENTED = (
    r"LocalContext|state_holder|session_data|temp_file_sets|keep_in_cache|\._queue|ComponentMeta\b|"
    r"process_api|preprocess_data|config_values|\.api_info\b"
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
