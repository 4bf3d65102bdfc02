"""A sample of the corpus against the running app: status 4xx or an error message, and the next run works."""

import logging
from collections.abc import Iterator

import pytest

from tests.hostile.corpus import Case, corpus
from tests.hostile.visitor import Visitor, serving


def sample(most: int = 12) -> dict[str, list[Case]]:
    """A regular sample of each kind; all of the requests."""
    kinds: dict[str, list[Case]] = {}
    for case in corpus():
        kinds.setdefault(case.kind, []).append(case)
    return {kind: cases if kind == "request" else cases[:: -(-len(cases) // most)] for kind, cases in kinds.items()}


SAMPLE = sample()


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    with serving() as url:
        yield Visitor(url, tmp_path_factory.mktemp("sent"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", SAMPLE)
def test_the_running_app_answers_every_kind(
    visitor: Visitor, kind: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.WARNING):
        for case in SAMPLE[kind]:
            found = visitor.ask(case)
            assert found.fate != "broken", (str(case), found)
            assert not found.leaks, (str(case), found)
            if case.fate == "refused" and kind != "request":
                assert found.fate == "refused", (str(case), found)
    written = caplog.text + "".join(capfd.readouterr())
    assert "Traceback" not in written
    assert visitor.steer({"image": {"path": visitor.good}, "prompt": "a hat", "optimisation_steps": 1}).fate == "taken"


@pytest.mark.slow
def test_an_uploaded_html_file_is_not_rendered(visitor: Visitor) -> None:
    for name in ("a.html", "a.svg", "a.xhtml", "a.js"):
        path = visitor.upload(b"<svg onload=alert(1)><script>alert(1)</script></svg>", name)["path"]
        answer = visitor.web.get(f"gradio_api/file={path}")
        kind, how = answer.headers["content-type"], answer.headers.get("content-disposition", "")
        assert how.startswith("attachment") or kind.startswith("text/plain"), (name, kind, how)
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_sample_has_every_kind() -> None:
    assert len(SAMPLE) == 8
    assert min(len(cases) for cases in SAMPLE.values()) >= 8
    assert all(isinstance(case, Case) for cases in SAMPLE.values() for case in cases)
