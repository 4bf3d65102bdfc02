import errno
import logging
import re

import pytest
import torch

from studio.core.errors import UserError, explain, out_of_memory


def test_a_user_error_is_shown_unchanged() -> None:
    assert explain(UserError("Choose an image.")) == "Choose an image."


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")])
def test_out_of_memory_has_a_cure(error: BaseException) -> None:
    assert "fewer sampling steps" in explain(error)


def test_a_loss_that_is_not_finite_has_a_cure() -> None:
    assert "learning rate" in explain(FloatingPointError("The loss is not finite: [nan]."))


def test_any_other_error_shows_an_incident_number_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        sentence = explain(RuntimeError("/home/somebody/secret.py failed"))
    assert "secret" not in sentence
    incident = sentence.split("incident ")[1].split(")")[0]
    assert incident in caplog.text
    assert "secret.py failed" in caplog.text


@pytest.mark.parametrize(
    "text",
    ["MPS backend out of memory (MPS allocated: 1 GB)", "[enforce fail] DefaultCPUAllocator: can't allocate memory"],
)
def test_out_of_memory_is_recognised_on_every_device(text: str) -> None:
    assert out_of_memory(RuntimeError(text))
    assert "fewer sampling steps" in explain(RuntimeError(text))
    assert not out_of_memory(RuntimeError("shapes do not match"))


def test_a_full_disk_is_named() -> None:
    sentence = explain(OSError(errno.ENOSPC, "No space left on device", "/var/secret"))
    assert sentence.startswith("The server's disk is full")
    assert "secret" not in sentence


def test_numbers_out_of_range_name_the_step() -> None:
    sentence = explain(FloatingPointError("The output at step 3 of 8 (t = 624.5) is not finite. The loss is [nan]."))
    assert "at sampling step 3 of 8 (time 624.5)" in sentence


@pytest.mark.parametrize(
    "error", [MemoryError(), FloatingPointError("x"), OSError(errno.ENOSPC, "full"), KeyError("x"), SystemExit()]
)
def test_every_failure_is_logged_with_its_number(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = re.search(r"\(incident ([0-9a-f]{8})\)", explain(error))
    assert found is not None
    assert found[1] in caplog.text
