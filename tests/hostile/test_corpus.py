"""Every input of the corpus against the functions that read it."""

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from studio.images.files import DECODE_TIMEOUT
from tests.hostile.answers import Answer, answer
from tests.hostile.corpus import Case, corpus, pictures

CASES = [case for case in corpus() if case.kind != "request"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_input_is_accepted_or_refused_with_a_message(case: Case, tmp_path: Path) -> None:
    began = time.process_time()
    found = answer(case, tmp_path)
    assert found.fits(case), f"{found}"
    assert time.process_time() - began < DECODE_TIMEOUT / 3


def test_the_corpus_is_large_and_deterministic() -> None:
    kinds = Counter(case.kind for case in CASES)
    assert sum(kinds.values()) >= 150
    assert min(kinds.values()) >= 12
    one, again, other = ([(case.name, case.what) for case in pictures(random.Random(seed))] for seed in (3, 3, 4))
    assert one == again != other


@pytest.mark.parametrize("text", ["Traceback (most recent call last)", __file__, "broken in pages.py at line 3"])
def test_a_leak_is_found(text: str) -> None:
    assert Answer("refused", f"This went wrong: {text}").leaks
